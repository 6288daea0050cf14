#include "deliver/dispatcher.hpp"

#include <set>

#include <gtest/gtest.h>

#include "unit/deliver/fakes.hpp"

namespace chatrelay::deliver {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::outcome_of;

class DispatcherTest : public test::RelayTest {};

TEST_F(DispatcherTest, HandsOverWhatADestinationNeeds) {
  start({config_of("crm")});
  const EventSeq seq = add("C1", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  ASSERT_EQ(fake("crm").attempts.size(), 1u);
  const Attempt& attempt = fake("crm").attempts[0];
  const auto stored = deliveries()[0];
  EXPECT_EQ(attempt.id, stored.id);
  EXPECT_EQ(attempt.event.seq, seq);
  EXPECT_EQ(attempt.event_id.size(), 26u);
  EXPECT_EQ(attempt.event_type, "incoming_event");
  EXPECT_EQ(attempt.source, "livechat");
  EXPECT_EQ(attempt.chat_id, "C1");
  EXPECT_EQ(attempt.thread_id, "T1");
  EXPECT_EQ(attempt.action, "send");
  EXPECT_EQ(attempt.number, 1);
  EXPECT_EQ(attempt.with.at("n").to_number<EventSeq>(), seq);
  EXPECT_EQ(metrics.counter("chatrelay_attempts_total", "", {{"destination", "crm"}, {"outcome", "ok"}}).value(), 1u);
}

// Invariant 4.
TEST_F(DispatcherTest, KeepsTheOrderOfALaneAndRunsLanesInParallel) {
  fake("crm").keep = true;
  start({config_of("crm")});
  for (int i = 0; i < 3; ++i)
    for (const char* chat : {"A", "B", "C"}) add(chat, {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 3; }));
  settle();
  EXPECT_EQ(fake("crm").kept(), 3u) << "one of each lane, though there is a fourth slot";
  std::map<std::string, EventSeq> last;
  for (int n = 0; n < 9; ++n) {
    ASSERT_TRUE(until([&] { return fake("crm").kept() > 0; }));
    fake("crm").answer(fake("crm").kept() - 1, Outcome());
    settle();
  }
  ASSERT_EQ(fake("crm").attempts.size(), 9u);
  for (const Attempt& attempt : fake("crm").attempts) {
    EXPECT_GT(attempt.event.seq, last[attempt.chat_id]);
    last[attempt.chat_id] = attempt.event.seq;
  }
  EXPECT_EQ(count(DeliveryState::delivered), 9u);
}

TEST_F(DispatcherTest, ADeferredDeliveryBlocksItsLaneOnly) {
  fake("crm").script = {outcome_of(OutcomeClass::retry)};
  start({config_of("crm")});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 1; }));
  add("A", {"crm"});
  add("B", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  EXPECT_EQ(fake("crm").attempts.back().chat_id, "B");
  EXPECT_EQ(count(DeliveryState::pending), 1u);
  pass(seconds(2));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  EXPECT_EQ(fake("crm").attempts[2].number, 2);
  EXPECT_EQ(fake("crm").attempts[2].id, fake("crm").attempts[0].id) << "invariant 5";
  EXPECT_GT(fake("crm").attempts[3].event.seq, fake("crm").attempts[2].event.seq);
}

// Invariant 3.
TEST_F(DispatcherTest, ADestinationThatNeverAnswersUsesItsOwnSlotsOnly) {
  fake("sick").keep = true;
  start({config_of("sick"), config_of("well")});
  for (int i = 0; i < 50; ++i) add("C" + std::to_string(i), {"sick", "well"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "well") == 50; }));
  EXPECT_EQ(fake("sick").kept(), 4u);
  EXPECT_EQ(fake("sick").most_at_once, 4u);
}

TEST_F(DispatcherTest, CutsAnAttemptThatKeepsNoTime) {
  auto& sick = fake("sick");
  sick.keep = sick.deaf = true;
  auto config = config_of("sick");
  config.timeout = seconds(10);
  config.concurrency = 1;
  start({config});
  add("A", {"sick"});
  add("B", {"sick"});
  ASSERT_TRUE(until([&] { return sick.kept() == 1; }));
  pass(seconds(14));
  EXPECT_EQ(count(DeliveryState::deferred), 0u);
  pass(seconds(2));
  EXPECT_EQ(count(DeliveryState::deferred), 1u) << "ambiguous, tried again later";
  ASSERT_TRUE(until([&] { return sick.attempts.size() == 2; })) << "its slot is free for the next lane";
  sick.answer(0, Outcome());  // a late answer changes nothing
  settle();
  EXPECT_EQ(count(DeliveryState::delivered), 0u);
}

TEST_F(DispatcherTest, AnExceptionIsAnOutcomeToo) {
  fake("crm").throws = true;
  start({config_of("crm")});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 1; }));
  EXPECT_NE(deliveries()[0].reason.find("a destination with a hole"), std::string::npos);
}

TEST_F(DispatcherTest, PauseHoldsAndResumeGoesOn) {
  start({config_of("crm"), config_of("other")});
  bool paused = false;
  dispatcher->pause("crm", "moving", [&](Result<void> done) { paused = done.has_value(); });
  ASSERT_TRUE(until([&] { return paused; }));
  for (int i = 0; i < 5; ++i) add("C" + std::to_string(i), {"crm", "other"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "other") == 5; }));
  settle();
  EXPECT_TRUE(fake("crm").attempts.empty());
  EXPECT_TRUE(status_of("crm").paused);
  EXPECT_EQ(status_of("crm").reason, "moving");

  // A restart does not forget it.
  drop_dispatcher();
  make_dispatcher();
  start({config_of("crm"), config_of("other")});
  settle();
  EXPECT_TRUE(fake("crm").attempts.empty());
  EXPECT_TRUE(status_of("crm").paused);

  bool resumed = false;
  dispatcher->resume("crm", [&](Result<void> done) { resumed = done.has_value(); });
  ASSERT_TRUE(until([&] { return resumed && count(DeliveryState::delivered, "crm") == 5; }));
  EXPECT_FALSE(status_of("crm").paused);
  bool unknown = false;
  dispatcher->pause("nobody", "",
                    [&](Result<void> done) { unknown = !done && done.error().kind == ErrorKind::not_found; });
  EXPECT_TRUE(unknown);
}

TEST_F(DispatcherTest, ResumeDrainsAtARamp) {
  auto config = config_of("crm");
  config.concurrency = 5;
  config.circuit.ramp = seconds(8);
  fake("crm").keep = true;
  start({config});
  bool done = false;
  dispatcher->pause("crm", "", [&](Result<void>) { done = true; });
  ASSERT_TRUE(until([&] { return done; }));
  for (int i = 0; i < 10; ++i) add("C" + std::to_string(i), {"crm"});
  dispatcher->resume("crm", [&](Result<void>) {});
  settle();
  EXPECT_EQ(fake("crm").kept(), 1u);
  pass(seconds(4));
  EXPECT_EQ(fake("crm").kept(), 3u);
  pass(seconds(4));
  EXPECT_EQ(fake("crm").kept(), 5u);
}

TEST_F(DispatcherTest, AnOpenCircuitLetsOneProbeThrough) {
  auto config = config_of("sick");
  config.circuit.failures = 3;
  config.circuit.open_for = seconds(10);
  config.concurrency = 1;
  fake("sick").usual = outcome_of(OutcomeClass::retry, true);
  start({config});
  for (int i = 0; i < 20; ++i) add("C" + std::to_string(i), {"sick"});
  ASSERT_TRUE(until([&] { return fake("sick").attempts.size() == 3; }));
  settle();
  EXPECT_EQ(fake("sick").attempts.size(), 3u);
  EXPECT_EQ(status_of("sick").circuit, "open");
  ASSERT_TRUE(status_of("sick").waits_until);
  pass(seconds(9));
  EXPECT_EQ(fake("sick").attempts.size(), 3u);
  pass(seconds(1));
  EXPECT_EQ(fake("sick").attempts.size(), 4u) << "the probe";
  pass(seconds(19));
  EXPECT_EQ(fake("sick").attempts.size(), 4u) << "twice as long";
  fake("sick").usual = Outcome();
  pass(seconds(1));
  ASSERT_TRUE(until([&] {
    dispatcher->ring();
    return status_of("sick").circuit == "closed";
  }));
  pass(minutes(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 20; }));
  EXPECT_EQ(count(DeliveryState::deferred), 0u);
}

TEST_F(DispatcherTest, ACircuitStaysOpenOverARestart) {
  auto config = config_of("sick");
  config.circuit.failures = 2;
  config.concurrency = 1;
  fake("sick").usual = outcome_of(OutcomeClass::retry, true);
  start({config});
  for (int i = 0; i < 5; ++i) add("C" + std::to_string(i), {"sick"});
  ASSERT_TRUE(until([&] { return fake("sick").attempts.size() == 2; }));
  settle();
  drop_dispatcher();
  make_dispatcher();
  start({config});
  settle();
  EXPECT_EQ(fake("sick").attempts.size(), 2u);
  EXPECT_EQ(status_of("sick").circuit, "open");
}

TEST_F(DispatcherTest, WhatIsTooOldDiesThoughTheCircuitIsOpen) {
  auto config = config_of("sick");
  config.circuit.failures = 1;
  config.circuit.open_for = config.circuit.open_max = hours(10);
  config.retry.give_up_after = seconds(5);
  config.concurrency = 1;
  fake("sick").usual = outcome_of(OutcomeClass::retry, true);
  start({config});
  add("A", {"sick"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 1; }));
  add("B", {"sick"});
  pass(seconds(6));
  EXPECT_EQ(count(DeliveryState::dead), 1u);
  EXPECT_EQ(count(DeliveryState::pending), 1u) << "what was never tried is kept";
  EXPECT_EQ(fake("sick").attempts.size(), 1u);
}

TEST_F(DispatcherTest, ThrottlePausesTheWholeDestinationAndChargesNothing) {
  auto config = config_of("crm");
  config.concurrency = 1;
  fake("crm").script = {outcome_of(OutcomeClass::throttle, false, seconds(60))};
  start({config});
  for (int i = 0; i < 4; ++i) add("C" + std::to_string(i), {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 1; }));
  pass(seconds(59));
  EXPECT_EQ(fake("crm").attempts.size(), 1u);
  EXPECT_EQ(deliveries()[0].attempts, 0);
  EXPECT_EQ(deliveries()[0].state, DeliveryState::pending);
  pass(seconds(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 4; }));
}

TEST_F(DispatcherTest, AmbiguousIsHeldWhereTheDestinationSaysSo) {
  auto config = config_of("crm");
  config.hold_ambiguous = true;
  fake("crm").script = {outcome_of(OutcomeClass::ambiguous)};
  start({config});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::held) == 1; }));
  add("A", {"crm"});
  pass(hours(5));
  EXPECT_EQ(fake("crm").attempts.size(), 1u) << "its lane waits for an operator";
  bool resumed = false;
  dispatcher->resume("crm", [&](Result<void>) { resumed = true; });
  ASSERT_TRUE(until([&] { return resumed; }));
  settle();
  EXPECT_EQ(count(DeliveryState::held), 1u) << "resume is not an answer to what happened";
  await<std::size_t>([&](auto done) { store->retry({deliveries()[0].seq}, clock.now(), std::move(done)); });
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
}

TEST_F(DispatcherTest, GivesUpAndReleasesTheLane) {
  auto config = config_of("crm");
  config.retry.give_up_after = seconds(30);
  fake("crm").usual = outcome_of(OutcomeClass::retry);
  start({config});
  add("A", {"crm"});
  add("A", {"crm"});
  for (int i = 0; i < 40 && count(DeliveryState::dead) == 0; ++i) pass(seconds(5));
  EXPECT_EQ(deliveries()[0].state, DeliveryState::dead);
  EXPECT_NE(deliveries()[0].reason.find("given up after 30s"), std::string::npos);
  fake("crm").usual = Outcome();
  pass(minutes(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  ASSERT_EQ(raised.size(), 1u);
  EXPECT_EQ(raised[0].first, "delivery_dead");
  EXPECT_EQ(raised[0].second.at("destination").as_string(), "crm");
  EXPECT_EQ(raised[0].second.at("delivery").as_string(), deliveries()[0].id);
}

TEST_F(DispatcherTest, ManyDeadLettersAreFewAlerts) {
  fake("crm").usual = outcome_of(OutcomeClass::reject);
  start({config_of("crm")});
  for (int i = 0; i < 30; ++i) add("C" + std::to_string(i), {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::dead) == 30; }));
  settle();
  EXPECT_EQ(raised.size(), 1u);
  clock.advance(seconds(61));
  ASSERT_TRUE(until([&] { return raised.size() == 2; }));
  EXPECT_EQ(raised[1].second.at("count").to_number<int>(), 29);
}

TEST_F(DispatcherTest, OwnEventsNeverCauseEachOther) {
  fake("mail").script = {outcome_of(OutcomeClass::reject), outcome_of(OutcomeClass::disable)};
  auto config = config_of("mail");
  config.concurrency = 1;
  start({config});
  add("", {"mail"}, "chatrelay");
  ASSERT_TRUE(until([&] { return count(DeliveryState::dead) == 1; }));
  add("x", {"mail"}, "chatrelay");
  ASSERT_TRUE(until([&] { return count(DeliveryState::held) == 1; }));
  settle();
  EXPECT_TRUE(raised.empty());
  EXPECT_TRUE(status_of("mail").disabled);
}

TEST_F(DispatcherTest, DisableHoldsEverythingUntilResume) {
  auto config = config_of("crm");
  config.concurrency = 1;
  fake("crm").script = {outcome_of(OutcomeClass::disable)};
  start({config});
  for (int i = 0; i < 3; ++i) add("C" + std::to_string(i), {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::held) == 1; }));
  pass(hours(1));
  EXPECT_EQ(fake("crm").attempts.size(), 1u);
  EXPECT_TRUE(status_of("crm").disabled);
  ASSERT_EQ(raised.size(), 1u);
  EXPECT_EQ(raised[0].first, "destination_disabled");
  dispatcher->resume("crm", [](Result<void>) {});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  EXPECT_FALSE(status_of("crm").disabled);
}

TEST_F(DispatcherTest, RefreshAuthIsTriedOnceMoreThenDisables) {
  fake("crm").usual = outcome_of(OutcomeClass::refresh_auth);
  start({config_of("crm")});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 1; }));
  EXPECT_FALSE(status_of("crm").disabled);
  pass(seconds(2));
  ASSERT_TRUE(until([&] { return count(DeliveryState::held) == 1; }));
  EXPECT_TRUE(status_of("crm").disabled);
}

TEST_F(DispatcherTest, AReloadDropsADestinationAndBringsItBack) {
  fake("crm").keep = true;
  start({config_of("crm"), config_of("other")});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 1; }));
  dispatcher->reload(configured({config_of("other")}));
  add("A", {"crm", "other"});
  add("B", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "other") == 1; }));
  EXPECT_EQ(fake("crm").attempts.size(), 1u) << "nothing of it starts";
  EXPECT_EQ(dispatcher->status().size(), 1u);

  dispatcher->reload(configured({config_of("crm"), config_of("other")}));
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 2; })) << "lane B";
  settle();
  EXPECT_EQ(fake("crm").kept(), 2u) << "lane A still has its first one under way";
  fake("crm").keep = false;
  fake("crm").answer(0, Outcome());
  fake("crm").answer(1, Outcome());
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "crm") == 3; }));
}

TEST_F(DispatcherTest, WhatWasPlannedForAMissingDestinationWaitsByName) {
  start({config_of("other")});
  add("A", {"later"});
  settle();
  EXPECT_EQ(count(DeliveryState::pending), 1u);
  dispatcher->reload(configured({config_of("other"), config_of("later")}));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "later") == 1; }));
}

TEST_F(DispatcherTest, KeepsARateOverAReload) {
  auto config = config_of("crm");
  config.rate = Rate{1, minutes(1)};
  start({config});
  for (int i = 0; i < 3; ++i) add("C" + std::to_string(i), {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 1; }));
  dispatcher->reload(configured({config}));
  pass(seconds(59));
  EXPECT_EQ(fake("crm").attempts.size(), 1u);
  pass(seconds(1));
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 2; }));
}

TEST_F(DispatcherTest, ACancelledDeliveryIsNotRevived) {
  fake("crm").keep = true;
  start({config_of("crm")});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 1; }));
  await<std::size_t>(
      [&](auto done) { store->cancel({deliveries()[0].seq}, "no longer wanted", clock.now(), std::move(done)); });
  fake("crm").answer(0, outcome_of(OutcomeClass::reject));
  settle();
  EXPECT_EQ(deliveries()[0].state, DeliveryState::cancelled);
  EXPECT_TRUE(raised.empty());
}

TEST_F(DispatcherTest, AfterACancelTheNextOfTheLaneWaitsForWhatIsUnderWay) {
  fake("crm").keep = true;
  start({config_of("crm")});
  add("A", {"crm"});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 1; }));
  const DeliverySeq first = deliveries()[0].seq;
  EXPECT_EQ(await<std::size_t>([&](auto done) { store->cancel({first}, "why", clock.now(), std::move(done)); }), 1u);
  add("B", {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 2; }));
  pass(std::chrono::seconds(2));
  EXPECT_EQ(fake("crm").attempts.size(), 2u) << "the second of A would overtake the first";
  fake("crm").answer(0, Outcome());
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 3; }));
  EXPECT_EQ(fake("crm").attempts[2].chat_id, "A");
  EXPECT_EQ(deliveries()[0].state, DeliveryState::cancelled);
}

TEST_F(DispatcherTest, AClockThatIsSetBackStallsNothingForLong) {
  fake("crm").script = {outcome_of(OutcomeClass::retry, false, seconds(100))};
  auto config = config_of("crm");
  config.concurrency = 1;
  config.retry.max = minutes(10);
  start({config});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 1; }));
  fake("crm").keep = true;
  add("B", {"crm"});
  add("C", {"crm"});  // waits for the slot, never tried
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 1; }));
  clock.jump_wall(-hours(24));
  dispatcher->ring();
  settle();
  fake("crm").keep = false;
  fake("crm").answer(0, Outcome());
  pass(Millis{300});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; })) << "never tried: at once";
  EXPECT_EQ(count(DeliveryState::deferred), 1u);
  pass(minutes(9));
  EXPECT_EQ(count(DeliveryState::deferred), 1u);
  pass(minutes(2));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; })) << "after its longest back-off";
}

TEST_F(DispatcherTest, AClockThatIsSetForwardOnlyHurries) {
  fake("crm").script = {outcome_of(OutcomeClass::retry)};
  start({config_of("crm")});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 1; }));
  clock.jump_wall(hours(10));
  dispatcher->ring();
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
}

TEST_F(DispatcherTest, AnUnreadablePayloadIsADeadLetter) {
  start({config_of("crm")});
  const EventSeq seq = add("A", {});
  await<std::vector<DeliverySeq>>([&](auto done) {
    store::NewDelivery delivery;
    delivery.destination = "crm";
    delivery.lane = lane_of("crm", "livechat", "A");
    delivery.payload = "{broken";
    store->replay(seq, {delivery}, false, clock.now(), std::move(done));
  });
  ASSERT_TRUE(until([&] { return count(DeliveryState::dead) == 1; }));
  EXPECT_TRUE(fake("crm").attempts.empty());
}

TEST_F(DispatcherTest, APayloadMayBeNestedDeeperThanAWebhook) {
  start({config_of("crm")});
  const EventSeq seq = add("A", {});
  await<std::vector<DeliverySeq>>([&](auto done) {
    store::NewDelivery delivery;
    delivery.destination = "crm";
    delivery.lane = lane_of("crm", "livechat", "A");
    delivery.payload = "{\"body\":{\"raw\":" + std::string(128, '[') + std::string(128, ']') + "}}";
    store->replay(seq, {delivery}, false, clock.now(), std::move(done));
  });
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
}

class DrainTest : public DispatcherTest {
 protected:
  std::optional<bool> drained;
  void drain(Millis limit) {
    boost::asio::co_spawn(context, run(limit), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
  }

 private:
  boost::asio::awaitable<void> run(Millis limit) {
    boost::asio::awaitable<bool> wait = dispatcher->drain(limit);
    const bool all = co_await std::move(wait);
    drained = all;
  }
};

TEST_F(DrainTest, WaitsForWhatIsUnderWayAndStartsNothing) {
  auto config = config_of("crm");
  config.concurrency = 1;
  fake("crm").keep = true;
  start({config});
  add("A", {"crm"});
  add("B", {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 1; }));
  drain(seconds(30));
  settle();
  EXPECT_FALSE(drained);
  fake("crm").answer(0, Outcome());
  ASSERT_TRUE(until([&] { return drained.has_value(); }));
  EXPECT_TRUE(*drained);
  EXPECT_EQ(count(DeliveryState::delivered), 1u) << "its outcome is committed";
  EXPECT_EQ(fake("crm").attempts.size(), 1u);
}

TEST_F(DrainTest, CutsWhatDoesNotEnd) {
  auto config = config_of("crm");
  config.hold_ambiguous = true;
  fake("crm").keep = true;
  start({config});
  add("A", {"crm"});
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 1; }));
  drain(Millis{20});
  ASSERT_TRUE(until([&] { return drained.has_value(); }));
  EXPECT_FALSE(*drained);
  EXPECT_EQ(fake("crm").cut, 1);
  EXPECT_EQ(count(DeliveryState::held), 1u) << "nobody knows whether it was applied";
}

TEST_F(DispatcherTest, ProbeAnswersForEveryName) {
  start({config_of("crm")});
  fake("crm").usual = Outcome(OutcomeClass::ok, "TLS and login are fine");
  std::optional<Result<Outcome>> known, unknown;
  const auto ask = [&](std::string name, std::optional<Result<Outcome>>& into) -> boost::asio::awaitable<void> {
    boost::asio::awaitable<Result<Outcome>> wait = dispatcher->probe(std::move(name));
    Result<Outcome> result = co_await std::move(wait);
    into.emplace(std::move(result));
  };
  boost::asio::co_spawn(context, ask("crm", known), boost::asio::detached);
  boost::asio::co_spawn(context, ask("nobody", unknown), boost::asio::detached);
  ASSERT_TRUE(until([&] { return known && unknown; }));
  EXPECT_EQ((*known)->reason, "TLS and login are fine");
  EXPECT_EQ(unknown->error().kind, ErrorKind::not_found);
}

TEST_F(DispatcherTest, ManyDeliveriesLeaveOnceEach) {
  auto config = config_of("crm");
  config.concurrency = 16;
  start({config});
  for (int i = 0; i < 400; ++i) add("C" + std::to_string(i % 37), {"crm"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 400; }));
  std::set<std::string> ids;
  std::map<std::string, EventSeq> last;
  for (const Attempt& attempt : fake("crm").attempts) {
    EXPECT_TRUE(ids.insert(attempt.id).second);
    EXPECT_GT(attempt.event.seq, last[attempt.chat_id]);
    last[attempt.chat_id] = attempt.event.seq;
  }
  EXPECT_EQ(ids.size(), 400u);
}

}  // namespace
}  // namespace chatrelay::deliver
