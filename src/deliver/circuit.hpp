// Circuit: how much is tried at a destination that may be sick. Pure: it is given the time.
//
//   closed ──failures faults in a row──► open ──open_for──► half_open (one probe) ──answered──► ramping ──ramp──►
//   closed
//                                         ▲                      │ fault: open_for doubles, up to open_max
//                                         └──────────────────────┘
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "common/clock.hpp"
#include "config/config.hpp"
#include "deliver/retry_policy.hpp"

namespace chatrelay::deliver {

enum class CircuitState { closed, open, half_open, ramping };
std::string_view to_string(CircuitState state);

class Circuit {
 public:
  explicit Circuit(config::CircuitConfig config) : config_(config) {}
  void configure(config::CircuitConfig config) { config_ = config; }

  // How many attempts may be under way now, of at most `concurrency`. Moves open → half_open and ramping → closed.
  std::size_t allowed(SteadyTime now, std::size_t concurrency);
  // An attempt starts; true: it is the probe of a half-open circuit, to be told to end().
  bool begin();
  // An attempt ended. True if the state changed in a way that should survive a restart.
  bool end(CircuitEffect effect, bool probe, SteadyTime now);
  // After a pause or a disable: from one at a time again.
  void ramp_up(SteadyTime now);
  // Continues after a restart what was open for `remaining` longer.
  void restore(std::int64_t faults, std::optional<Millis> remaining, SteadyTime now);

  CircuitState state() const { return state_; }
  std::int64_t faults() const { return faults_; }  // in a row
  std::optional<SteadyTime> open_until() const;    // set while open
  // When `allowed` may next give more than it does now: the end of open, or the next step of the ramp.
  std::optional<SteadyTime> next_change(SteadyTime now, std::size_t concurrency) const;

 private:
  void open(SteadyTime now);
  Millis open_time() const;

  config::CircuitConfig config_;
  CircuitState state_ = CircuitState::closed;
  std::int64_t faults_ = 0;
  int openings_ = 0;  // since it was closed last: what doubles open_for
  bool probing_ = false;
  SteadyTime since_{};  // of open and ramping
  SteadyTime until_{};  // of open
};

}  // namespace chatrelay::deliver
