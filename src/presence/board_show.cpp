#include <utility>

#include "common/json.hpp"
#include "common/text.hpp"
#include "presence/board_state.hpp"

namespace chatrelay::presence {
namespace {

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string(text));
}

json::value id_list(const std::vector<std::int64_t>& ids) {
  json::array out;
  for (const std::int64_t id : ids) out.push_back(id);
  return out;
}

json::value by_hand_or_null(const ByHand* set) {
  if (!set) return nullptr;
  return json::object{{"online", set->online}, {"since", format_rfc3339(set->since)}};
}

template <class Key, class Value>
const Value* at_or_null(const std::map<Key, Value>& map, const Key& key) {
  const auto at = map.find(key);
  return at == map.end() ? nullptr : &at->second;
}

// Why a department, or the whole, is as it is.
json::array reasons_of(const GroupAnswer& group) {
  json::array out;
  if (group.by_hand || group.certain) out.push_back("by hand");
  if (group.by_hand) return out;
  if (group.people) out.push_back("people");
  if (group.bots) out.push_back("bots");
  if (group.hours) out.push_back("hours");
  return out;
}

json::object show_user(const User& user, const UserAnswer& answer, const Facts& facts, const std::string& agent) {
  const Routing* routing = agent.empty() ? nullptr : at_or_null(facts.routing, agent);
  return {{"id", user.id},
          {"name", text_or_null(user.name)},
          {"agent", text_or_null(user.agent)},
          {"username", text_or_null(user.username)},
          {"email", text_or_null(user.email)},
          {"bot", user.bot},
          {"departments", id_list(user.departments)},
          {"online", answer.online},
          {"reason", to_string(answer.reason)},
          {"by_hand", by_hand_or_null(at_or_null(facts.users, user.id))},
          {"routing_status", routing ? json::value(json::string(routing->status)) : json::value(nullptr)}};
}

}  // namespace

json::object Board::show() const {
  const std::lock_guard lock(state_->mutex);
  const Answers& answers = state_->fresh();
  const Settings& settings = state_->settings;
  json::array users;
  for (const UserAnswer& answer : answers.users) {
    const User& user = *state_->user(answer.id);
    users.push_back(show_user(user, answer, state_->facts, to_lower_ascii(user.agent)));
  }
  std::map<std::int64_t, std::string> names;
  for (const Department& one : settings.departments) names[one.id] = one.name;
  json::array departments;
  for (const auto& [id, group] : answers.departments) {
    if (id == 0) continue;  // those who have all departments
    departments.push_back(json::object{{"id", id},
                                       {"name", text_or_null(names[id])},
                                       {"online", group.answer({})},
                                       {"reasons", reasons_of(group)},
                                       {"by_hand", by_hand_or_null(at_or_null(state_->facts.departments, id))}});
  }
  json::array schedules;
  for (std::size_t i = 0; i < settings.schedules.size(); ++i) {
    const NamedSchedule& one = settings.schedules[i];
    schedules.push_back(json::object{{"name", one.name},
                                     {"time_zone", one.schedule.zone_name()},
                                     {"open", state_->hours[i].open},
                                     {"changes_at", or_null(one.schedule.next_change(state_->hours[i].from))}});
  }
  json::value upstream;
  if (settings.upstream) {
    const auto& heard = state_->facts.upstream;
    json::value age;
    if (heard) age = std::chrono::duration_cast<std::chrono::seconds>(state_->clock.steady() - heard->at).count();
    upstream = json::object{{"url", settings.upstream->url},
                            {"online", heard ? json::value(heard->online) : json::value(nullptr)},
                            {"answered_seconds_ago", age}};
  }
  return {{"configured", settings.configured},
          {"online", answers.whole.answer({})},
          {"reasons", reasons_of(answers.whole)},
          {"by_hand", by_hand_or_null(state_->facts.whole ? &*state_->facts.whole : nullptr)},
          {"version", state_->version},
          {"users", std::move(users)},
          {"departments", std::move(departments)},
          {"schedules", std::move(schedules)},
          {"upstream", std::move(upstream)}};
}

}  // namespace chatrelay::presence
