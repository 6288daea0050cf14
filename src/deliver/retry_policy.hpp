// Retry policy: what becomes of a delivery after an attempt. One table, pure: it is given the time, a random number and
// the facts, and decides. The dispatcher carries the decision out; nothing here waits, stores or logs.
#pragma once

#include <optional>
#include <string>

#include "common/clock.hpp"
#include "config/config.hpp"
#include "event/delivery.hpp"
#include "event/outcome.hpp"

namespace chatrelay::deliver {

struct AttemptFacts {
  WallTime now;                   // when the attempt ended
  WallTime first_pending_at;      // give_up_after counts from here
  int charged_before = 0;         // attempts that counted, this one not included
  int throttles_before = 0;       // how often the destination has said "wait" in a row
  bool refreshed_before = false;  // this delivery has met refresh_auth before
  bool hold_ambiguous = false;
  double random = 0;  // [0, 1): full jitter
};

enum class CircuitEffect { none, success, fault, not_asked };

struct Decision {
  DeliveryState state = DeliveryState::delivered;
  WallTime due_at;  // for pending and deferred
  bool charged = true;
  CircuitEffect circuit = CircuitEffect::none;
  std::optional<Millis> pause_destination;  // throttle: nothing to this destination for so long
  bool disable_destination = false;
  std::string reason;  // why it is deferred, held or dead; empty when delivered
};

// Exponential with full jitter: uniform in [0, min(max, first·2^(attempts-1))]. `attempts` counts from 1.
Millis backoff(int attempts, double random, const config::RetryConfig& retry);

Decision decide(const Outcome& outcome, const AttemptFacts& facts, const config::RetryConfig& retry);

// Reasons of held deliveries begin so: what `resume` releases and what it must not.
inline constexpr const char* held_by_disable = "disabled: ";
inline constexpr const char* held_as_ambiguous = "ambiguous: ";

// A delivery that was never tried is not given up because it waited long (a pause, a quota): it gets a second attempt.
inline constexpr int attempts_before_giving_up = 2;

// Given up without another attempt: tried before, its time is over, and the destination's circuit is open.
bool expired(WallTime now, WallTime first_pending_at, int charged, const config::RetryConfig& retry);

}  // namespace chatrelay::deliver
