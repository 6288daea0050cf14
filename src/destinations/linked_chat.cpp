#include "destinations/linked_chat.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "common/text.hpp"
#include "destinations/outcome_text.hpp"

namespace chatrelay::destinations {

namespace json = boost::json;

namespace {

constexpr std::size_t value_bytes_max = 1024;  // Limit: of a link's value, as the store keeps them

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null() || value->is_object() || value->is_array()) return {};
  if (value->is_string()) return std::string(trim(repair_utf8(std::string_view(value->get_string()))));
  return json::serialize(*value);
}

}  // namespace

Result<std::optional<LinkedChat>> read_linked_chat(const json::value& with) {
  const json::object* all = with.if_object();
  const json::value* chat = all == nullptr ? nullptr : all->if_contains("chat");
  const json::object* named = chat == nullptr ? nullptr : chat->if_object();
  if (named == nullptr || !named->contains("linked")) return std::optional<LinkedChat>();
  for (const auto& member : *named)
    if (member.key() != "linked" && member.key() != "by" && member.key() != "source")
      return invalid("chat takes no \"" + printable(member.key(), 60) + "\"");
  LinkedChat linked;
  linked.destination = text_at(*named, "linked");
  if (linked.destination.empty()) return invalid("chat: linked has no value: it is the destination that remembers");
  linked.source = text_at(*named, "source");
  const json::value* by = named->if_contains("by");
  if (by == nullptr || !by->is_object() || by->get_object().size() != 1)
    return invalid("chat: by must name one key and its value, like {thread_ts: .raw.event.thread_ts}");
  linked.key = std::string(by->get_object().begin()->key());
  linked.value = text_at(by->get_object(), linked.key);
  if (linked.value.empty()) return invalid("chat: by: " + printable(linked.key, 60) + " has no value on this event");
  if (linked.value.size() > value_bytes_max)
    return invalid("chat: by: " + printable(linked.key, 60) + " is longer than " + std::to_string(value_bytes_max) +
                   " bytes");
  return std::optional(std::move(linked));
}

// A link may be of several chats (a value that a service gives more than once): the one saved last is meant. Who writes
// into a thread over there that is none of ours is no trouble of ours: dead, and no event of it.
std::optional<Outcome> find_linked_chat(Attempt& attempt, store::Reader& reader, const std::string& source) {
  const Result<std::optional<LinkedChat>> linked = read_linked_chat(attempt.with);
  if (!linked) return Outcome(OutcomeClass::reject, bounded_reason(linked.error().message));
  if (!*linked) return std::nullopt;
  store::LinkFilter filter;
  filter.destination = (*linked)->destination;
  filter.key = (*linked)->key;
  filter.value = (*linked)->value;
  const Result<std::vector<store::StoredLink>> found = reader.find_links(filter);
  if (!found) {
    Outcome outcome(OutcomeClass::retry, bounded_reason(found.error().message));
    outcome.destination_fault = false;
    return outcome;
  }
  const std::string& only = source.empty() ? (*linked)->source : source;
  for (const store::StoredLink& link : *found) {
    if (link.subject.chat_id.empty() || (!only.empty() && link.subject.source != only)) continue;
    attempt.with.get_object()["chat"] = link.subject.chat_id;
    return std::nullopt;
  }
  Outcome none(attempt.number < linked_attempts_max ? OutcomeClass::retry : OutcomeClass::reject,
               bounded_reason("no chat" + (source.empty() ? std::string() : " of " + source) + " has " +
                              printable(filter.key, 60) + " " + printable(filter.value, 60) + " at " +
                              printable(filter.destination, 60)));
  none.quiet = true;
  none.destination_fault = false;
  return none;
}

}  // namespace chatrelay::destinations
