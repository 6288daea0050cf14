#include "presence/answers.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "presence/presence.hpp"

namespace chatrelay::presence {
namespace {

template <class Map>
auto find_in(const Map& map, const typename Map::key_type& key) -> const typename Map::mapped_type* {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

bool counts(const Heard& heard, const Upstream& upstream, SteadyTime now) {
  return now < heard.at + upstream.keep;
}

bool upstream_answer(const Upstream& upstream, const Heard* heard, SteadyTime now) {
  return heard && counts(*heard, upstream, now) ? heard->online : upstream.fallback;
}

// The rules for people, in this order: by hand; outside their hours offline; LiveChat; upstream; within their hours
// online.
UserAnswer answer_of(const User& user, const Settings& settings, const Facts& facts, const std::vector<Hours>& hours,
                     SteadyTime now) {
  if (const ByHand* set = find_in(facts.users, user.id)) return {user.id, set->online, Reason::by_hand};
  if (user.schedule && !hours[*user.schedule].open) return {user.id, false, Reason::hours};
  if (!user.agent.empty())
    if (const Routing* routing = find_in(facts.routing, to_lower_ascii(user.agent)))
      return {user.id, routing->status == "accepting_chats", Reason::routing_status};
  if (user.upstream && settings.upstream)
    return {user.id, upstream_answer(*settings.upstream, find_in(facts.upstream_users, user.id), now),
            Reason::upstream};
  return {user.id, user.schedule.has_value(), user.schedule ? Reason::hours : Reason::nothing};
}

using Groups = std::map<std::int64_t, GroupAnswer>;

Groups known_departments(const Settings& settings, const Facts& facts, const std::vector<Hours>& hours,
                         SteadyTime now) {
  Groups groups;
  for (const User& user : settings.users)
    for (const std::int64_t id : user.departments) groups[id];
  for (const Department& department : settings.departments) {
    GroupAnswer& group = groups[department.id];
    group.hours = department.schedule && hours[*department.schedule].open;
    if (department.upstream && settings.upstream)
      group.people = upstream_answer(*settings.upstream, find_in(facts.upstream_departments, department.id), now);
  }
  for (auto& [id, group] : groups)
    if (const ByHand* set = find_in(facts.departments, id)) group.by_hand = set->online;
  return groups;
}

void add(GroupAnswer& group, const User& user) {
  (user.bot ? group.bots : group.people) = true;
}

// Somebody all of whose departments are set offline is not there for the whole either.
bool counts_for_whole(const User& user, const Groups& groups) {
  return std::any_of(user.departments.begin(), user.departments.end(),
                     [&](std::int64_t id) { return groups.at(id).by_hand.value_or(true); });
}

GroupAnswer whole_of(const Settings& settings, const Facts& facts, const std::vector<Hours>& hours,
                     const Groups& groups, SteadyTime now) {
  GroupAnswer whole;
  if (facts.whole) whole.by_hand = facts.whole->online;
  whole.hours = settings.schedule && hours[*settings.schedule].open;
  if (settings.upstream)
    whole.people = upstream_answer(*settings.upstream, facts.upstream ? &*facts.upstream : nullptr, now);
  for (const auto& [id, group] : groups) {
    whole.hours = whole.hours || (group.hours && group.by_hand.value_or(true));
    whole.certain = whole.certain || group.by_hand.value_or(false);
  }
  return whole;
}

// What the whole is set to holds for every department that is not set itself.
void pass_down(Groups& groups, const GroupAnswer& whole) {
  if (!whole.by_hand) return;
  for (auto& [id, group] : groups)
    if (!group.by_hand) group.by_hand = whole.by_hand;
}

}  // namespace

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::by_hand:
      return "by hand";
    case Reason::hours:
      return "hours";
    case Reason::routing_status:
      return "routing status";
    case Reason::upstream:
      return "upstream";
    case Reason::nothing:
      break;
  }
  return "nothing known";
}

bool GroupAnswer::answer(const Question& question) const {
  if (by_hand) return *by_hand;
  const bool with_people = !question.ignore_user_status || question.include_users;
  return certain || (people && with_people) || (bots && !question.exclude_bot) ||
         (hours && !question.exclude_online_hours);
}

const UserAnswer* Answers::user(std::int64_t id) const {
  const auto at = std::lower_bound(users.begin(), users.end(), id,
                                   [](const UserAnswer& one, std::int64_t n) { return one.id < n; });
  return at == users.end() || at->id != id ? nullptr : &*at;
}

const GroupAnswer* Answers::department(std::int64_t id) const {
  const auto at = std::lower_bound(departments.begin(), departments.end(), id,
                                   [](const auto& one, std::int64_t n) { return one.first < n; });
  return at == departments.end() || at->first != id ? nullptr : &at->second;
}

Answers make_answers(const Settings& settings, const Facts& facts, const std::vector<Hours>& hours, SteadyTime now) {
  Answers answers;
  Groups groups = known_departments(settings, facts, hours, now);
  answers.whole = whole_of(settings, facts, hours, groups, now);
  for (const User& user : settings.users) {
    const UserAnswer answer = answer_of(user, settings, facts, hours, now);
    answers.users.push_back(answer);
    if (!answer.online) continue;
    for (const std::int64_t id : user.departments) add(groups[id], user);
    if (counts_for_whole(user, groups)) add(answers.whole, user);
  }
  pass_down(groups, answers.whole);
  answers.departments.assign(groups.begin(), groups.end());
  std::sort(answers.users.begin(), answers.users.end(),
            [](const UserAnswer& a, const UserAnswer& b) { return a.id < b.id; });
  return answers;
}

std::optional<SteadyTime> upstream_until(const Settings& settings, const Facts& facts, SteadyTime now) {
  if (!settings.upstream) return std::nullopt;
  std::optional<SteadyTime> until;
  const auto look = [&](const Heard& heard) {
    if (!counts(heard, *settings.upstream, now)) return;
    const SteadyTime end = heard.at + settings.upstream->keep;
    if (!until || end < *until) until = end;
  };
  if (facts.upstream) look(*facts.upstream);
  for (const auto& [id, heard] : facts.upstream_departments) look(heard);
  for (const auto& [id, heard] : facts.upstream_users) look(heard);
  return until;
}

}  // namespace chatrelay::presence
