#include "rules/event_members.hpp"

#include <string_view>

#include "common/text.hpp"
#include "event/event.hpp"
#include "rules/rules.hpp"

namespace chatrelay::rules {
namespace {

// An event in which everything is known, as rules see it. What is an empty object there has members of any name.
json::value full_event() {
  Event event;
  event.chat.emplace();
  event.chat->rating.emplace();
  event.chat->queue.emplace();
  event.visitor.emplace();
  event.agent.emplace();
  event.message.emplace();
  json::value value = to_json(event, EventExtras{});
  for (const TranscriptMember& member : transcript_members) value.as_object().emplace(member.name, nullptr);
  return value;
}

}  // namespace

std::string unknown_member(const std::vector<std::string>& path) {
  static const json::value event = full_event();
  const json::value* at = &event;
  std::string owner = "the event";
  for (const std::string& name : path) {
    const json::object* object = at->if_object();
    if (object == nullptr || object->empty()) return {};
    at = object->if_contains(name);
    if (at == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& member : *object) names.emplace_back(member.key().data(), member.key().size());
      const std::string_view near = nearest(name, names.data(), names.size());
      return owner + " has no member `" + printable(name) + "`" +
             (near.empty() ? std::string() : "; did you mean `" + std::string(near) + "`?");
    }
    owner += (owner == "the event" ? "'s " : ".") + name;
  }
  return {};
}

}  // namespace chatrelay::rules
