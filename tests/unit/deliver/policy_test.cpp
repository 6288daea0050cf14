// The tables of retry_policy, rate_limit, circuit, lanes and dead_letters: no event loop, no clock.
#include <gtest/gtest.h>

#include "deliver/circuit.hpp"
#include "deliver/dead_letters.hpp"
#include "deliver/lanes.hpp"
#include "deliver/rate_limit.hpp"
#include "deliver/retry_policy.hpp"

namespace chatrelay::deliver {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime start = from_ms(1'800'000'000'000);

config::RetryConfig retry_config() {
  config::RetryConfig retry;
  retry.first = seconds(1);
  retry.max = minutes(10);
  retry.give_up_after = hours(24);
  return retry;
}

AttemptFacts facts_at(Millis age, int charged_before) {
  AttemptFacts facts;
  facts.first_pending_at = start;
  facts.now = start + age;
  facts.charged_before = charged_before;
  facts.random = 0.5;
  return facts;
}

TEST(Backoff, DoublesUpToItsMaximumWithFullJitter) {
  const auto retry = retry_config();
  const long long expected_s[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600};
  for (int attempt = 1; attempt <= 12; ++attempt) {
    const Millis most = seconds(expected_s[attempt - 1]);
    EXPECT_EQ(backoff(attempt, 1.0, retry), most) << attempt;
    EXPECT_EQ(backoff(attempt, 0.5, retry), most / 2) << attempt;
    EXPECT_EQ(backoff(attempt, 0.0, retry), Millis{0}) << attempt;
  }
  EXPECT_EQ(backoff(1'000'000, 1.0, retry), retry.max) << "no overflow";
  EXPECT_EQ(backoff(0, 1.0, retry), Millis{1'000});
}

TEST(RetryPolicy, WhatIsDoneInPartsGoesOnAtOnceAndIsNotCharged) {
  Outcome part(OutcomeClass::ok, "a part of it is done");
  part.goes_on = true;
  const Decision decision = decide(part, facts_at(minutes(1), 1), retry_config());
  EXPECT_EQ(decision.state, DeliveryState::pending);
  EXPECT_EQ(decision.due_at, start + minutes(1));
  EXPECT_FALSE(decision.charged);
  EXPECT_FALSE(decision.pause_destination);
  EXPECT_EQ(decision.circuit, CircuitEffect::success);
}

struct TableCase {
  OutcomeClass klass;
  bool hold_ambiguous;
  bool refreshed_before;
  DeliveryState state;
  bool charged;
  bool pauses;
  bool disables;
};

TEST(RetryPolicy, EveryOutcomeHasItsDecision) {
  const TableCase cases[] = {
      {OutcomeClass::ok, false, false, DeliveryState::delivered, true, false, false},
      {OutcomeClass::duplicate, false, false, DeliveryState::delivered, true, false, false},
      {OutcomeClass::retry, false, false, DeliveryState::deferred, true, false, false},
      {OutcomeClass::partial, false, false, DeliveryState::deferred, true, false, false},
      {OutcomeClass::throttle, false, false, DeliveryState::pending, false, true, false},
      {OutcomeClass::refresh_auth, false, false, DeliveryState::deferred, true, false, false},
      {OutcomeClass::refresh_auth, false, true, DeliveryState::held, true, false, true},
      {OutcomeClass::ambiguous, false, false, DeliveryState::deferred, true, false, false},
      {OutcomeClass::ambiguous, true, false, DeliveryState::held, true, false, false},
      {OutcomeClass::reject, true, true, DeliveryState::dead, true, false, false},
      {OutcomeClass::disable, false, false, DeliveryState::held, true, false, true},
  };
  for (const TableCase& c : cases) {
    AttemptFacts facts = facts_at(seconds(1), 0);
    facts.hold_ambiguous = c.hold_ambiguous;
    facts.refreshed_before = c.refreshed_before;
    const Decision decision = decide(Outcome(c.klass, "why"), facts, retry_config());
    SCOPED_TRACE(std::string(to_string(c.klass)));
    EXPECT_EQ(decision.state, c.state);
    EXPECT_EQ(decision.charged, c.charged);
    EXPECT_EQ(decision.pause_destination.has_value(), c.pauses);
    EXPECT_EQ(decision.disable_destination, c.disables);
    EXPECT_EQ(decision.reason.empty(), c.state == DeliveryState::delivered);
    if (c.state == DeliveryState::deferred) {
      EXPECT_EQ(decision.due_at, facts.now + Millis{500});
    }
  }
}

TEST(RetryPolicy, SaysWhatTheCircuitLearns) {
  for (const OutcomeClass klass : {OutcomeClass::ok, OutcomeClass::duplicate, OutcomeClass::reject})
    EXPECT_EQ(decide(Outcome(klass, ""), facts_at(seconds(1), 0), retry_config()).circuit, CircuitEffect::success);
  for (const OutcomeClass klass : {OutcomeClass::retry, OutcomeClass::throttle, OutcomeClass::ambiguous,
                                   OutcomeClass::disable, OutcomeClass::partial}) {
    Outcome outcome(klass, "");
    EXPECT_EQ(decide(outcome, facts_at(seconds(1), 0), retry_config()).circuit, CircuitEffect::none);
    outcome.destination_fault = true;
    EXPECT_EQ(decide(outcome, facts_at(seconds(1), 0), retry_config()).circuit, CircuitEffect::fault);
  }
}

TEST(RetryPolicy, RetryAfterIsTheLeastWait) {
  Outcome outcome(OutcomeClass::retry, "HTTP 503");
  outcome.wait = seconds(30);
  const AttemptFacts facts = facts_at(seconds(1), 0);
  EXPECT_EQ(decide(outcome, facts, retry_config()).due_at, facts.now + seconds(30));
  outcome.wait = Millis{1};
  EXPECT_EQ(decide(outcome, facts, retry_config()).due_at, facts.now + Millis{500}) << "our own back-off is longer";
  outcome.wait = hours(24 * 365 * 1000);
  EXPECT_EQ(decide(outcome, facts, retry_config()).due_at, start + hours(24)) << "never past giving up";
  outcome.wait = Millis{-5};
  EXPECT_EQ(decide(outcome, facts, retry_config()).due_at, facts.now + Millis{500});
}

TEST(RetryPolicy, ALastAttemptIsMadeAtTheDeadlineAndThenItIsGivenUp) {
  const Outcome outcome(OutcomeClass::retry, "HTTP 503");
  AttemptFacts late = facts_at(hours(24) - seconds(10), 30);
  const Decision last = decide(outcome, late, retry_config());
  EXPECT_EQ(last.state, DeliveryState::deferred);
  EXPECT_EQ(last.due_at, start + hours(24));
  const Decision dead = decide(outcome, facts_at(hours(24), 31), retry_config());
  EXPECT_EQ(dead.state, DeliveryState::dead);
  EXPECT_EQ(dead.reason, "given up after 1d: HTTP 503");
}

TEST(RetryPolicy, WhatWaitedLongIsNotGivenUpAtItsFirstAttempt) {
  const Outcome outcome(OutcomeClass::retry, "HTTP 503");
  const AttemptFacts first = facts_at(hours(50), 0);
  const Decision again = decide(outcome, first, retry_config());
  EXPECT_EQ(again.state, DeliveryState::deferred);
  EXPECT_EQ(again.due_at, first.now + Millis{500});
  EXPECT_EQ(decide(outcome, facts_at(hours(50), 1), retry_config()).state, DeliveryState::dead);
}

TEST(RetryPolicy, ThrottleChargesNothingGrowsAndEnds) {
  Outcome outcome(OutcomeClass::throttle, "HTTP 429");
  AttemptFacts facts = facts_at(seconds(1), 3);
  facts.random = 0;
  Decision decision = decide(outcome, facts, retry_config());
  EXPECT_EQ(decision.state, DeliveryState::pending);
  EXPECT_FALSE(decision.charged);
  EXPECT_EQ(decision.pause_destination, Millis{500});
  facts.throttles_before = 3;
  EXPECT_EQ(decide(outcome, facts, retry_config()).pause_destination, seconds(4));
  outcome.wait = seconds(90);
  decision = decide(outcome, facts, retry_config());
  EXPECT_EQ(decision.pause_destination, seconds(90));
  EXPECT_EQ(decision.due_at, facts.now + seconds(90));
  outcome.wait = hours(24 * 365 * 1000);
  EXPECT_EQ(decide(outcome, facts, retry_config()).pause_destination, hours(24)) << "bounded";
  outcome.wait = Millis{0};
  EXPECT_EQ(decide(outcome, facts, retry_config()).pause_destination, Millis{1}) << "never nothing: that would spin";
  const Decision late = decide(outcome, facts_at(hours(25), 0), retry_config());
  EXPECT_EQ(late.state, DeliveryState::pending) << "it waited for its turn: that is no attempt";
  EXPECT_TRUE(late.charged) << "or it would never end";
  EXPECT_TRUE(late.pause_destination);
  const Decision dead = decide(outcome, facts_at(hours(25), 1), retry_config());
  EXPECT_EQ(dead.state, DeliveryState::dead);
  EXPECT_FALSE(dead.charged);
}

TEST(RetryPolicy, ExpiresOnlyWhatWasTried) {
  const auto retry = retry_config();
  EXPECT_FALSE(expired(start + hours(24) - Millis{1}, start, 5, retry));
  EXPECT_TRUE(expired(start + hours(24), start, 1, retry));
  EXPECT_FALSE(expired(start + hours(240), start, 0, retry));
}

TEST(RateLimit, SpacesAndAllowsASmallBurst) {
  SteadyTime now{seconds(1'000)};
  RateLimit slow(Rate{5, seconds(1)});
  EXPECT_TRUE(slow.try_take(now));
  EXPECT_FALSE(slow.try_take(now)) << "no burst at five a second";
  EXPECT_EQ(slow.wait(now), std::chrono::milliseconds(200));
  EXPECT_FALSE(slow.try_take(now + Millis{199}));
  EXPECT_TRUE(slow.try_take(now + Millis{200}));
  EXPECT_TRUE(slow.try_take(now + minutes(1)));
  EXPECT_FALSE(slow.try_take(now + minutes(1))) << "an idle minute saves nothing up";

  RateLimit fast(Rate{1'000, seconds(1)});
  int taken = 0;
  for (int ms = 0; ms < 1'000; ms += 10)  // woken every ten milliseconds only
    while (fast.try_take(now + Millis{ms})) ++taken;
  EXPECT_NEAR(taken, 1'040, 15);
}

TEST(RateLimit, HoldsForAnyRate) {
  const Rate rates[] = {{5, seconds(1)}, {180, minutes(1)}, {10'000, hours(24)}, {1, hours(24)}, {3'000, seconds(1)}};
  for (const Rate& rate : rates) {
    RateLimit limit(rate);
    SteadyTime now{seconds(1'000)};
    const SteadyTime end = now + rate.per;
    std::int64_t taken = 0;
    while (now < end) {
      if (limit.try_take(now)) {
        ++taken;
      } else {
        now += limit.wait(now);
      }
    }
    EXPECT_GE(taken, rate.count);
    EXPECT_LE(taken, rate.count + std::max<std::int64_t>(1, rate.count / 10)) << rate.count;
  }
}

class CircuitTest : public testing::Test {
 protected:
  static config::CircuitConfig config() {
    config::CircuitConfig c;
    c.failures = 3;
    c.open_for = seconds(10);
    c.open_max = seconds(30);
    c.ramp = seconds(8);
    return c;
  }
  void fault() { circuit.end(CircuitEffect::fault, circuit.begin(), now); }
  void trip() {
    for (int i = 0; i < 3; ++i) fault();
  }
  SteadyTime now{seconds(1'000)};
  Circuit circuit{config()};
};

TEST_F(CircuitTest, OpensAfterFaultsInARow) {
  fault();
  fault();
  EXPECT_EQ(circuit.state(), CircuitState::closed);
  circuit.end(CircuitEffect::success, false, now);
  fault();
  fault();
  circuit.end(CircuitEffect::none, false, now);
  EXPECT_EQ(circuit.allowed(now, 8), 8u) << "what says nothing does not count";
  fault();
  EXPECT_EQ(circuit.state(), CircuitState::open);
  EXPECT_EQ(circuit.allowed(now, 8), 0u);
  EXPECT_EQ(circuit.open_until(), now + seconds(10));
}

TEST_F(CircuitTest, ProbesOneAtATimeAndDoublesItsWait) {
  trip();
  for (const int wait : {10, 20, 30, 30}) {
    EXPECT_EQ(circuit.allowed(now + seconds(wait) - Millis{1}, 8), 0u);
    now += seconds(wait);
    EXPECT_EQ(circuit.allowed(now, 8), 1u);
    EXPECT_EQ(circuit.state(), CircuitState::half_open);
    const bool probe = circuit.begin();
    EXPECT_TRUE(probe);
    EXPECT_EQ(circuit.allowed(now, 8), 0u) << "one only";
    EXPECT_TRUE(circuit.end(CircuitEffect::fault, probe, now));
  }
}

TEST_F(CircuitTest, RampsUpAfterAProbeThatWasAnswered) {
  trip();
  now += seconds(10);
  circuit.allowed(now, 8);
  circuit.end(CircuitEffect::none, circuit.begin(), now);
  EXPECT_EQ(circuit.state(), CircuitState::ramping);
  EXPECT_EQ(circuit.allowed(now, 9), 1u);
  EXPECT_EQ(circuit.next_change(now, 9), now + seconds(1));
  EXPECT_EQ(circuit.allowed(now + seconds(1), 9), 2u);
  EXPECT_EQ(circuit.allowed(now + seconds(4), 9), 5u);
  EXPECT_EQ(circuit.allowed(now + seconds(8), 9), 9u);
  EXPECT_EQ(circuit.state(), CircuitState::closed);
  now += seconds(8);
  trip();
  EXPECT_EQ(circuit.open_until(), now + seconds(10)) << "closed for good: the doubling starts anew";
}

TEST_F(CircuitTest, AProbeThatAskedNothingProvesNothing) {
  trip();
  now += seconds(10);
  circuit.allowed(now, 8);
  EXPECT_FALSE(circuit.end(CircuitEffect::not_asked, circuit.begin(), now));
  EXPECT_EQ(circuit.state(), CircuitState::half_open);
  EXPECT_EQ(circuit.allowed(now, 8), 1u) << "the next one may start";
}

TEST_F(CircuitTest, OldAttemptsSayNothingWhileItIsOpen) {
  trip();
  EXPECT_FALSE(circuit.end(CircuitEffect::success, false, now));
  EXPECT_FALSE(circuit.end(CircuitEffect::fault, false, now));
  EXPECT_EQ(circuit.open_until(), now + seconds(10));
}

TEST_F(CircuitTest, ContinuesAfterARestart) {
  circuit.restore(3, seconds(4), now);
  EXPECT_EQ(circuit.allowed(now + seconds(3), 8), 0u);
  EXPECT_EQ(circuit.allowed(now + seconds(4), 8), 1u);
  Circuit unhurt{config()};
  unhurt.restore(2, std::nullopt, now);
  EXPECT_EQ(unhurt.allowed(now, 8), 8u);
  Circuit jumped{config()};
  jumped.restore(3, hours(1000), now);
  EXPECT_EQ(jumped.allowed(now + seconds(30), 8), 1u) << "a clock that jumped does not lock it up";
}

store::StoredDelivery head(DeliverySeq seq) {
  store::StoredDelivery delivery;
  delivery.seq = seq;
  return delivery;
}
std::vector<store::StoredDelivery> heads(std::initializer_list<DeliverySeq> seqs) {
  std::vector<store::StoredDelivery> all;
  for (const DeliverySeq seq : seqs) all.push_back(head(seq));
  return all;
}

TEST(LaneWindow, FetchesOnlyWhileThereMayBeMore) {
  LaneWindow window;
  const SteadyTime now{seconds(1)};
  EXPECT_TRUE(window.wants_fetch(2));
  window.fetched(heads({7, 3, 9}), 3, now);
  EXPECT_TRUE(window.may_have_more()) << "as many as asked for";
  EXPECT_FALSE(window.wants_fetch(2)) << "enough are ready";
  EXPECT_EQ(window.taken(), (std::vector<DeliverySeq>{3, 7, 9})) << "sorted";
  EXPECT_EQ(window.take()->seq, 7u) << "in the store's order";
  EXPECT_TRUE(window.wants_fetch(2));
  window.fetched(heads({12}), 3, now);
  EXPECT_FALSE(window.wants_fetch(5)) << "that was all";
  window.changed();
  EXPECT_TRUE(window.wants_fetch(5));
}

TEST(LaneWindow, KeepsADeliveryUntilItsOutcomeIsCommitted) {
  LaneWindow window;
  const SteadyTime now{seconds(1)};
  window.fetched(heads({1, 2}), 10, now);
  window.take();
  EXPECT_EQ(window.under_way(), 1u);
  window.forget_ready();
  EXPECT_EQ(window.taken(), (std::vector<DeliverySeq>{1}));
  window.fetched(heads({1, 2}), 10, now);
  EXPECT_EQ(window.ready(), 1u) << "what is under way is not taken twice";
  window.done(1);
  EXPECT_EQ(window.under_way(), 0u);
  EXPECT_TRUE(window.may_have_more());
  EXPECT_FALSE(window.hold(2));
  EXPECT_TRUE(window.hold(5));
  EXPECT_EQ(window.under_way(), 1u);
}

TEST(LaneWindow, ForgetsWhatIsOld) {
  LaneWindow window;
  window.fetched(heads({1, 2}), 10, SteadyTime{seconds(1)});
  window.forget_ready_older_than(SteadyTime{seconds(1)});
  EXPECT_EQ(window.ready(), 2u);
  window.forget_ready_older_than(SteadyTime{seconds(2)});
  EXPECT_EQ(window.ready(), 0u);
  EXPECT_TRUE(window.taken().empty());
}

TEST(LaneWindow, GivesBackToTheFront) {
  LaneWindow window;
  window.fetched(heads({1, 2}), 10, SteadyTime{seconds(1)});
  window.give_back(*window.take(), SteadyTime{seconds(2)});
  EXPECT_EQ(window.under_way(), 0u);
  EXPECT_EQ(window.take()->seq, 1u);
}

TEST(DeadLetters, AreToldOnceAMinuteWithTheirNumber) {
  DeadLetters letters;
  SteadyTime now{seconds(1'000)};
  const auto first = letters.note("crm", {{"delivery", "a"}}, now);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->at("count").to_number<int>(), 1);
  EXPECT_FALSE(letters.note("crm", {{"delivery", "b"}}, now + seconds(1)));
  EXPECT_FALSE(letters.note("crm", {{"delivery", "c"}}, now + seconds(2)));
  EXPECT_TRUE(letters.note("mail", {{"delivery", "x"}}, now + seconds(2))) << "each destination by itself";
  EXPECT_TRUE(letters.due(now + seconds(59)).empty());
  const auto later = letters.due(now + seconds(60));
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].at("count").to_number<int>(), 2);
  EXPECT_EQ(later[0].at("delivery").as_string(), "c");
  EXPECT_FALSE(letters.waiting());
}

}  // namespace
}  // namespace chatrelay::deliver
