// Presence: who is online: a person, a department, or anybody at all.
//
// The Board knows the configured people, departments and hours, and is told what happens: what an operator sets by
// hand, LiveChat's routing statuses, the answers of a real Live Helper Chat (upstream.hpp). presence.md says what wins.
// A question is answered from memory; hours open and close by the clock without anybody telling the Board. It keeps
// nothing on disk: what must survive a restart leaves through to_json and comes back through from_json.
// Thread: any, for every member.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "presence/settings.hpp"

namespace chatrelay::presence {

// The name under which the store remembers what a Board gives with to_json.
inline constexpr std::string_view remembered_as = "presence";

// Live Helper Chat's parameters of isonline and its sisters: what is left out of the answer.
struct Question {
  bool exclude_bot = false;           // people alone, no bots
  bool ignore_user_status = false;    // neither people nor upstream: hours and bots
  bool include_users = false;         // takes ignore_user_status back
  bool exclude_online_hours = false;  // without the hours of departments and of the whole
};

class Board {
 public:
  // Lifetime: the clock outlives the Board.
  Board(Settings settings, const Clock& clock);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  // Another configuration. What was set and heard stays for those who are still in it.
  void configure(Settings settings);
  bool configured() const;  // false: no `presence` in the configuration; then everybody is offline

  // No allocation, unless hours have opened or closed or something was told since the question before.
  bool online(const Question& question = {}) const;
  // "Explicit" departments: somebody counts in those that are listed for them; who has all departments counts in none.
  // A department that is not known is offline.
  bool department_online(std::int64_t department, const Question& question = {}) const;
  bool user_online(std::int64_t user) const;  // unknown: false
  std::optional<std::int64_t> user_of(
      std::string_view username_or_email) const;  // in any case; also LiveChat's agent id
  bool has_user(std::int64_t user) const;

  // By hand. A user or department that is not known is left alone; the Results say so (not_found).
  void set_user(std::int64_t user, bool online);
  Result<void> set_user(std::int64_t user, std::optional<bool> online);  // nullopt: no longer by hand
  Result<void> set_department(std::int64_t department, std::optional<bool> online);
  void set_all(std::optional<bool> online);

  // LiveChat's routing_status_set: accepting_chats, not_accepting_chats or offline, also with spaces. Other words and
  // agents that are nobody's are left alone.
  void on_routing_status(std::string_view agent, std::string_view status);

  // An answer of the upstream system, with our own ids. It holds for Upstream::keep, by the steady clock.
  enum class Subject { all, department, user };
  void on_upstream(Subject subject, std::int64_t id, bool online);

  // Grows with every change of an answer. Starts at the time of construction in milliseconds, so that it is new after
  // a restart too.
  std::uint64_t version() const;
  // How long the answers hold if nobody changes anything; at most `most`. For cache headers.
  Millis fresh_for(Millis most) const;

  // Everything for a person's eyes: who is online and why, what was set and heard, which hours change when.
  boost::json::object show() const;

  // What must survive a restart: everything set by hand, and the routing statuses.
  boost::json::object to_json() const;
  // Takes what to_json gave. People and departments that are not configured (any more) are left out. Errors: invalid;
  // then nothing was taken.
  Result<void> from_json(const boost::json::value& kept);
  // Called after each change of what to_json gives, on the thread that changed it. It must be short, and must not call
  // the Board. Lifetime: until it is replaced, or the Board is gone.
  void on_change(std::function<void()> changed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chatrelay::presence
