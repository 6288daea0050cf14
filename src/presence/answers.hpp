// Answers: what follows from the settings and from what was set and heard. Pure: the state of the hours and the time
// are handed in. presence.md says what wins; this file decides it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "presence/settings.hpp"

namespace chatrelay::presence {

struct Question;

// What was set by hand.
struct ByHand {
  bool online = false;
  WallTime since;
};

// What LiveChat said of an agent.
struct Routing {
  std::string status;  // accepting_chats, not_accepting_chats, offline
  WallTime since;
};

// What the upstream system answered.
struct Heard {
  bool online = false;
  SteadyTime at;
};

// Everything that the Board was told. Keys: our ids; the lower-case agent id for routing.
struct Facts {
  std::optional<ByHand> whole;
  std::map<std::int64_t, ByHand> departments, users;
  std::map<std::string, Routing> routing;
  std::optional<Heard> upstream;
  std::map<std::int64_t, Heard> upstream_departments, upstream_users;
};

// How one schedule stands now, and until when.
struct Hours {
  bool open = false;
  WallTime from, until;
};

enum class Reason { by_hand, hours, routing_status, upstream, nothing };
const char* to_string(Reason reason);

struct UserAnswer {
  std::int64_t id = 0;
  bool online = false;
  Reason reason = Reason::nothing;
  friend bool operator==(const UserAnswer&, const UserAnswer&) = default;
};

// A department, or the whole.
struct GroupAnswer {
  std::optional<bool> by_hand;
  bool people = false;  // somebody who is no bot, or upstream
  bool bots = false;
  bool hours = false;
  bool certain = false;  // the whole: one of its departments is set online
  bool answer(const Question& question) const;
  friend bool operator==(const GroupAnswer&, const GroupAnswer&) = default;
};

struct Answers {
  std::vector<UserAnswer> users;                                  // by id
  std::vector<std::pair<std::int64_t, GroupAnswer>> departments;  // by id; 0: those who have all departments
  GroupAnswer whole;
  friend bool operator==(const Answers&, const Answers&) = default;

  const UserAnswer* user(std::int64_t id) const;
  const GroupAnswer* department(std::int64_t id) const;
};

// `hours` has an entry for each schedule of the settings.
Answers make_answers(const Settings& settings, const Facts& facts, const std::vector<Hours>& hours, SteadyTime now);

// When the oldest answer of the upstream system that counts now ceases to; nullopt: none counts.
std::optional<SteadyTime> upstream_until(const Settings& settings, const Facts& facts, SteadyTime now);

}  // namespace chatrelay::presence
