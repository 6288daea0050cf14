// Rate limit: a token bucket on steady time, kept as the time at which the next token would be on schedule (GCRA).
// Pure: it is given the time. The burst is small on purpose: a limit per minute is mostly counted in seconds by
// services.
#pragma once

#include "common/clock.hpp"
#include "common/units.hpp"

namespace chatrelay::deliver {

class RateLimit {
 public:
  explicit RateLimit(Rate rate);
  bool try_take(SteadyTime now);
  // How long until try_take would succeed; zero if it would now.
  std::chrono::nanoseconds wait(SteadyTime now) const;
  const Rate& rate() const { return rate_; }

 private:
  Rate rate_;
  std::chrono::nanoseconds interval_;
  std::chrono::nanoseconds tolerance_;  // how far ahead of schedule a burst may be
  SteadyTime scheduled_{};
};

}  // namespace chatrelay::deliver
