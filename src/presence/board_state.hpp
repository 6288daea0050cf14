// What a Board holds, for its own files: board.cpp, board_kept.cpp, board_show.cpp.
//
// Invariant: answers follow from settings, facts and hours, unless `stale`; they hold from wall_from until wall_until
// and until steady_until. Every member is guarded by `mutex`, and the functions are called with it held.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "presence/answers.hpp"
#include "presence/presence.hpp"

namespace chatrelay::presence {

struct Board::State {
  State(Settings s, const Clock& c);

  void configure(Settings settings);
  // The answers as they are now; makes them anew if they no longer hold.
  const Answers& fresh();
  void changed() { stale = true; }  // an answer may be another one
  void kept_changed();              // the same, and what must survive a restart is another
  boost::json::object kept() const;
  void forget_strangers();  // facts about what is not configured
  bool knows_department(std::int64_t id) const;
  const User* user(std::int64_t id) const;

  std::mutex mutex;
  const Clock& clock;
  Settings settings;
  std::map<std::int64_t, std::size_t> users;                    // index into settings.users
  std::map<std::string, std::int64_t, std::less<>> identities;  // lower case: username, e-mail, agent
  std::map<std::string, std::int64_t, std::less<>> agents;      // lower case
  Facts facts;
  std::vector<Hours> hours;
  Answers answers;
  std::uint64_t version;
  bool stale = true;
  WallTime wall_from, wall_until;
  std::optional<SteadyTime> steady_until;
  std::function<void()> tell;

 private:
  bool holds() const;
  void look_at_hours(WallTime now);
};

}  // namespace chatrelay::presence
