// What survives a restart, as JSON:
//   {"all": {"online": true, "since": "…"}, "users": {"1": {…}}, "departments": {"2": {…}},
//    "routing": {"jo@example.com": {"status": "accepting_chats", "since": "…"}}}
#include <utility>

#include "common/digits.hpp"
#include "common/json.hpp"
#include "presence/board_state.hpp"

namespace chatrelay::presence {
namespace {

json::object to_value(const ByHand& set) {
  return {{"online", set.online}, {"since", format_rfc3339(set.since)}};
}

json::object to_value(const std::map<std::int64_t, ByHand>& all) {
  json::object out;
  for (const auto& [id, set] : all) out[std::to_string(id)] = to_value(set);
  return out;
}

struct Unreadable {
  std::string what;
};

// Reading throws Unreadable, caught in from_json: everything is read before anything is taken.
ByHand by_hand_of(const json::value& value) {
  const json::value* online = find(value, "online");
  const auto since = time_at(value, "since");
  if (!online || !online->is_bool() || !since) throw Unreadable{"a setting without online or since"};
  return {online->get_bool(), *since};
}

const json::object* object_at(const json::object& kept, std::string_view name) {
  const auto at = kept.find(name);
  if (at == kept.end()) return nullptr;
  if (!at->value().is_object()) throw Unreadable{std::string(name) + " is no object"};
  return &at->value().get_object();
}

std::map<std::int64_t, ByHand> settings_at(const json::object& kept, std::string_view name) {
  std::map<std::int64_t, ByHand> out;
  const json::object* all = object_at(kept, name);
  if (!all) return out;
  for (const auto& [key, value] : *all) {
    const auto id = whole_number<std::int64_t>(key);
    if (!id) throw Unreadable{std::string(name) + " has no number"};
    out[*id] = by_hand_of(value);
  }
  return out;
}

std::map<std::string, Routing> routing_at(const json::object& kept) {
  std::map<std::string, Routing> out;
  const json::object* all = object_at(kept, "routing");
  if (!all) return out;
  for (const auto& [agent, value] : *all) {
    const auto status = strict_string_at(value, "status");
    const auto since = time_at(value, "since");
    if (!status || !since) throw Unreadable{"a routing status without status or since"};
    out[std::string(agent)] = {*status, *since};
  }
  return out;
}

}  // namespace

json::object Board::State::kept() const {
  json::object routing;
  for (const auto& [agent, one] : facts.routing)
    routing[agent] = json::object{{"status", one.status}, {"since", format_rfc3339(one.since)}};
  json::object out;
  if (facts.whole) out["all"] = to_value(*facts.whole);
  out["users"] = to_value(facts.users);
  out["departments"] = to_value(facts.departments);
  out["routing"] = std::move(routing);
  return out;
}

json::object Board::to_json() const {
  const std::lock_guard lock(state_->mutex);
  return state_->kept();
}

Result<void> Board::from_json(const json::value& value) {
  if (!value.is_object()) return invalid("what was kept of presence is no JSON object");
  try {
    const json::object& kept = value.get_object();
    std::optional<ByHand> whole;
    if (const auto at = kept.find("all"); at != kept.end()) whole = by_hand_of(at->value());
    auto users = settings_at(kept, "users");
    auto departments = settings_at(kept, "departments");
    auto routing = routing_at(kept);

    const std::lock_guard lock(state_->mutex);
    state_->facts.whole = whole;
    state_->facts.users = std::move(users);
    state_->facts.departments = std::move(departments);
    state_->facts.routing = std::move(routing);
    state_->forget_strangers();
    state_->changed();
    return {};
  } catch (const Unreadable& wrong) {
    return invalid("what was kept of presence cannot be read: " + wrong.what);
  }
}

}  // namespace chatrelay::presence
