#include "deliver/retry_policy.hpp"

#include <algorithm>
#include <cmath>

#include "common/units.hpp"

namespace chatrelay::deliver {

namespace {

// A clock that was far off must not overflow: Limit: 100 years, as in configuration.
constexpr Millis longest = std::chrono::hours(24) * 36525;

WallTime deadline(const AttemptFacts& facts, const config::RetryConfig& retry) {
  return facts.first_pending_at + std::min(retry.give_up_after, longest);
}

Decision given_up(const Outcome& outcome, const config::RetryConfig& retry) {
  Decision decision;
  decision.state = DeliveryState::dead;
  decision.reason = "given up after " + format_duration(retry.give_up_after) + ": " + outcome.reason;
  return decision;
}

// The delivery's next try after `wait`, but never later than its deadline: a last one is made there.
WallTime next_try(const AttemptFacts& facts, const config::RetryConfig& retry, Millis wait) {
  const WallTime at = facts.now + std::clamp(wait, Millis{0}, longest);
  const WallTime last = deadline(facts, retry);
  return last > facts.now ? std::min(at, last) : at;
}

Decision try_again(const Outcome& outcome, const AttemptFacts& facts, const config::RetryConfig& retry) {
  const int charged = facts.charged_before + 1;
  if (facts.now >= deadline(facts, retry) && charged >= attempts_before_giving_up) return given_up(outcome, retry);
  Decision decision;
  decision.state = DeliveryState::deferred;
  // Retry-After is the least that was asked for; our own back-off may be longer.
  const Millis wait = std::max(backoff(charged, facts.random, retry), outcome.wait.value_or(Millis{0}));
  decision.due_at = next_try(facts, retry, wait);
  decision.reason = outcome.reason;
  return decision;
}

Decision throttled(const Outcome& outcome, const AttemptFacts& facts, const config::RetryConfig& retry) {
  // What waited long for its turn (a pause, a quota) is not given up for the first "wait" it meets: once its time is
  // over such an answer counts as an attempt, so that it ends all the same.
  const bool late = facts.now >= deadline(facts, retry);
  if (late && facts.charged_before + 1 >= attempts_before_giving_up) {
    Decision decision = given_up(outcome, retry);
    decision.charged = false;
    return decision;
  }
  Decision decision;
  decision.state = DeliveryState::pending;
  decision.charged = late;
  // Without a Retry-After the wait grows with each "wait" in a row; the upper half of the jitter only, since a limit is
  // real.
  const Millis own = backoff(facts.throttles_before + 1, 0.5 + facts.random / 2, retry);
  const Millis wait =
      std::clamp(outcome.wait.value_or(own), Millis{1}, std::max(Millis{1}, std::min(retry.give_up_after, longest)));
  decision.due_at = next_try(facts, retry, wait);
  decision.pause_destination = wait;
  decision.reason = outcome.reason;
  return decision;
}

Decision disabled(const Outcome& outcome) {
  Decision decision;
  decision.state = DeliveryState::held;
  decision.disable_destination = true;
  decision.reason = held_by_disable + outcome.reason;
  return decision;
}

Decision by_class(const Outcome& outcome, const AttemptFacts& facts, const config::RetryConfig& retry) {
  Decision decision;
  switch (outcome.klass) {
    case OutcomeClass::ok:
    case OutcomeClass::duplicate:
      if (outcome.goes_on) {
        decision.state = DeliveryState::pending;
        decision.due_at = facts.now;
        decision.charged = false;
        decision.reason = outcome.reason;
      }
      return decision;
    case OutcomeClass::retry:
    case OutcomeClass::partial:  // refused together with others: it is tried again, alone
      return try_again(outcome, facts, retry);
    case OutcomeClass::throttle:
      return throttled(outcome, facts, retry);
    case OutcomeClass::refresh_auth:
      return facts.refreshed_before ? disabled(outcome) : try_again(outcome, facts, retry);
    case OutcomeClass::ambiguous:
      if (!facts.hold_ambiguous) return try_again(outcome, facts, retry);
      decision.state = DeliveryState::held;
      decision.reason = held_as_ambiguous + outcome.reason;
      return decision;
    case OutcomeClass::reject:
      decision.state = DeliveryState::dead;
      decision.reason = outcome.reason;
      return decision;
    case OutcomeClass::disable:
      return disabled(outcome);
  }
  return try_again(outcome, facts, retry);  // a class that this build does not know: temporary
}

// What the attempt says about the destination, whatever became of the delivery.
CircuitEffect circuit_effect(const Outcome& outcome) {
  if (outcome.unasked) return CircuitEffect::not_asked;
  if (outcome.destination_fault) return CircuitEffect::fault;
  switch (outcome.klass) {
    case OutcomeClass::ok:
    case OutcomeClass::duplicate:
    case OutcomeClass::reject:
      return CircuitEffect::success;
    default:
      return CircuitEffect::none;
  }
}

}  // namespace

Millis backoff(int attempts, double random, const config::RetryConfig& retry) {
  const double first = static_cast<double>(retry.first.count());
  const double most = static_cast<double>(std::min(retry.max, longest).count());
  const double doubled = first * std::exp2(static_cast<double>(std::clamp(attempts - 1, 0, 60)));
  return Millis{static_cast<long long>(std::min(most, doubled) * std::clamp(random, 0.0, 1.0))};
}

Decision decide(const Outcome& outcome, const AttemptFacts& facts, const config::RetryConfig& retry) {
  Decision decision = by_class(outcome, facts, retry);
  decision.circuit = circuit_effect(outcome);
  return decision;
}

bool expired(WallTime now, WallTime first_pending_at, int charged, const config::RetryConfig& retry) {
  return charged > 0 && now >= first_pending_at + std::min(retry.give_up_after, longest);
}

}  // namespace chatrelay::deliver
