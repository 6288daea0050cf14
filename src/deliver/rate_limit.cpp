#include "deliver/rate_limit.hpp"

#include <algorithm>

namespace chatrelay::deliver {

namespace {
using std::chrono::nanoseconds;
// A timer wakes us late by milliseconds: fifty of them at full rate may be made up for at once.
constexpr std::chrono::milliseconds burst_time{50};
}  // namespace

RateLimit::RateLimit(Rate rate) : rate_(rate) {
  const auto count = std::max<std::int64_t>(rate.count, 1);
  interval_ = std::max(nanoseconds{1}, std::chrono::duration_cast<nanoseconds>(rate.per) / count);
  const auto burst = std::clamp<std::int64_t>(nanoseconds(burst_time) / interval_, 1, count);
  tolerance_ = interval_ * (burst - 1);
}

bool RateLimit::try_take(SteadyTime now) {
  if (wait(now).count() > 0) return false;
  scheduled_ = std::max(scheduled_, now) + interval_;
  return true;
}

std::chrono::nanoseconds RateLimit::wait(SteadyTime now) const {
  const auto ahead = std::chrono::duration_cast<nanoseconds>(scheduled_ - now) - tolerance_;
  return std::max(ahead, nanoseconds{0});
}

}  // namespace chatrelay::deliver
