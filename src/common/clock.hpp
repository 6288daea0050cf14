// Clocks: wall time for people and records, steady time for waits. Handed in, so that tests own time.
// Invariant 6: rules, decoders and delivery policy never see a Clock; they are given `now`.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace chatrelay {

using Millis = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<Millis>;            // UTC, millisecond resolution
using SteadyTime = std::chrono::steady_clock::time_point;  // never jumps

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual SteadyTime steady() const = 0;
};

// Thread: any. CHATRELAY_TEST_CLOCK_OFFSET_FILE is not read here; see app.
class SystemClock final : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady() const override;
};

// For tests: stands still until told. Thread: any.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start) : wall_ms_(start.time_since_epoch().count()) {}
  WallTime now() const override { return WallTime{Millis{wall_ms_.load()}}; }
  SteadyTime steady() const override { return SteadyTime{Millis{steady_ms_.load()}}; }
  void advance(Millis by) {
    wall_ms_ += by.count();
    steady_ms_ += by.count();
  }
  void jump_wall(Millis by) { wall_ms_ += by.count(); }

 private:
  std::atomic<long long> wall_ms_;
  std::atomic<long long> steady_ms_{1'000'000};
};

inline long long to_ms(WallTime t) {
  return t.time_since_epoch().count();
}
inline WallTime from_ms(long long ms) {
  return WallTime{Millis{ms}};
}

// "2026-11-20T10:00:00.000Z"
std::string format_rfc3339(WallTime t);
// Takes any number of fractional digits, "Z", "z" or "+01:00", and 'T', 't' or ' ' between date and time. nullopt if
// not a time.
std::optional<WallTime> parse_rfc3339(std::string_view text);
// "Fri, 20 Nov 2026 10:00:00 +0000" (RFC 5322 §3.3)
std::string format_rfc5322(WallTime t);
// An HTTP-date in any of the three forms of RFC 9110 §5.6.7.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace chatrelay
