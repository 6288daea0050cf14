// Several deliveries in one request: the table of who leaves together, and what the dispatcher makes of it.
#include <algorithm>

#include <gmock/gmock.h>

#include "deliver/batches.hpp"
#include "deliver/dispatcher.hpp"
#include "unit/deliver/fakes.hpp"

namespace chatrelay::deliver {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::outcome_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// ---- the table

store::StoredDelivery head(DeliverySeq seq, const std::string& action = "track") {
  store::StoredDelivery delivery;
  delivery.seq = seq;
  delivery.action = action;
  return delivery;
}

class Table : public testing::Test {
 protected:
  using Seqs = std::vector<DeliverySeq>;
  void add(DeliverySeq seq, const std::string& action = "track") {
    batches.add(head(seq, action), 3, milliseconds(200), now);
  }
  // Empty: nothing leaves.
  Seqs take(bool nothing_more, Seqs coming = {}) {
    const auto leaving = batches.take(now, nothing_more,
                                      [&](DeliverySeq seq) { return std::ranges::find(coming, seq) != coming.end(); });
    if (!leaving) return {};
    waited = leaving->waited;
    return seqs(leaving->deliveries);
  }
  static Seqs seqs(const std::vector<store::StoredDelivery>& deliveries) {
    Seqs all;
    for (const auto& one : deliveries) all.push_back(one.seq);
    return all;
  }
  void later(Millis time) {
    now += time;
    batches.begin_round();
  }
  Batches batches;
  SteadyTime now = SteadyTime{} + std::chrono::hours(1);
  bool waited = false;
};

TEST_F(Table, WhatIsFullLeavesAtOnceAndOthersWaitTheirTime) {
  add(1);
  add(2);
  EXPECT_THAT(take(true), IsEmpty());
  EXPECT_EQ(batches.next_leave(), now + milliseconds(200));
  add(3);
  EXPECT_THAT(take(false), ElementsAre(1, 2, 3));
  EXPECT_FALSE(waited);
  EXPECT_TRUE(batches.empty());
  add(4);
  later(milliseconds(199));
  EXPECT_THAT(take(true), IsEmpty());
  later(milliseconds(1));
  EXPECT_THAT(take(false), ElementsAre(4)) << "before anything else is begun";
  EXPECT_TRUE(waited);
}

TEST_F(Table, WithoutAWaitWhateverIsThereLeaves) {
  batches.add(head(1), 3, Millis{0}, now);
  EXPECT_THAT(take(false), IsEmpty()) << "there may be more";
  batches.add(head(2), 3, Millis{0}, now);
  EXPECT_THAT(take(true), ElementsAre(1, 2));
}

TEST_F(Table, ActionsDoNotMix) {
  add(1, "track");
  add(2, "identify");
  add(3, "track");
  add(4, "track");
  EXPECT_THAT(take(false), ElementsAre(1, 3, 4));
  EXPECT_THAT(take(false), IsEmpty());
}

TEST_F(Table, AGroupStaysTogetherInItsOrderAndTakesNobodyIn) {
  batches.keep_together({7, 5, 6});
  add(1);
  add(6);
  add(2);
  add(7);
  EXPECT_THAT(take(true, {5}), IsEmpty());
  add(5);
  EXPECT_THAT(take(false), ElementsAre(7, 5, 6));
  EXPECT_EQ(batches.groups(), 0u);
  add(3);
  EXPECT_THAT(take(false), ElementsAre(1, 2, 3));
}

TEST_F(Table, AGroupDoesNotWaitForWhoIsNotComing) {
  batches.keep_together({5, 6, 7});
  add(5);
  add(7);
  EXPECT_THAT(take(false), IsEmpty()) << "6 may be the next";
  EXPECT_THAT(take(true, {6}), IsEmpty());
  EXPECT_THAT(take(true), ElementsAre(5, 7));
}

TEST_F(Table, AGroupIsNotWaitedForForEver) {
  batches.keep_together({5, 6});
  add(5);
  later(Batches::group_patience);
  EXPECT_THAT(take(true, {6}), ElementsAre(5));
}

TEST_F(Table, AGroupOfOneLeavesAlone) {
  batches.keep_together({5});
  add(1);
  add(5);
  EXPECT_THAT(take(false), ElementsAre(5));
  EXPECT_THAT(take(false), IsEmpty());
}

TEST_F(Table, AGroupThatNoLongerFitsIsNone) {
  batches.keep_together({1, 2, 3, 4});
  for (const DeliverySeq seq : {1, 2, 3, 4}) add(seq);
  EXPECT_THAT(take(false), ElementsAre(1, 2, 3));
}

TEST_F(Table, WhatIsDroppedIsNotThereAndItsGroupIsRemembered) {
  batches.keep_together({5, 6});
  add(1);
  add(5);
  EXPECT_EQ(batches.drop(9), std::nullopt);
  EXPECT_EQ(batches.drop(1)->seq, 1u);
  EXPECT_THAT(seqs(batches.drop_all()), ElementsAre(5));
  EXPECT_TRUE(batches.empty());
  EXPECT_EQ(batches.next_leave(), std::nullopt);
  add(6);
  EXPECT_THAT(take(true, {5}), IsEmpty());
  add(5);
  EXPECT_THAT(take(true), ElementsAre(5, 6));
}

TEST_F(Table, TheOldestGroupIsForgottenWhereThereAreTooMany) {
  for (DeliverySeq i = 0; i <= Batches::groups_max; ++i) batches.keep_together({2 * i + 1, 2 * i + 2});
  EXPECT_EQ(batches.groups(), Batches::groups_max);
  add(1);
  add(3);
  EXPECT_THAT(take(true), ElementsAre(3)) << "4 is not coming";
  EXPECT_THAT(take(true), IsEmpty()) << "1 waits for anyone";
}

// ---- the dispatcher

// Answers each request from a script, or keeps it until the test answers it.
class BatchingDestination final : public destinations::Destination {
 public:
  BatchingDestination(asio::any_io_executor executor, destinations::BatchLimits limits)
      : limits_(limits), kept_(std::move(executor)) {}

  asio::awaitable<Outcome> attempt(Attempt attempt) override {
    singles.push_back(attempt);
    co_return usual;
  }
  std::optional<destinations::BatchLimits> batch(std::string_view action) const override {
    return action == "send" ? limits_ : std::nullopt;
  }
  asio::awaitable<std::vector<Outcome>> attempt_batch(std::vector<Attempt> attempts) override {
    requests.push_back(attempts);
    if (throws) throw std::runtime_error("a destination with a hole");
    std::vector<Outcome> outcomes(attempts.size(), usual);
    if (!script.empty()) {
      outcomes = script.front();
      script.pop_front();
      if (outcomes.size() == 1) outcomes.assign(attempts.size(), Outcome(outcomes.front()));
    }
    if (keep) {
      boost::system::error_code error;
      auto quietly = asio::redirect_error(asio::use_awaitable, error);
      kept_.expires_at(SteadyTime::max());
      asio::awaitable<void> wait = kept_.async_wait(quietly);
      co_await std::move(wait);
    }
    co_return outcomes;
  }
  asio::awaitable<Outcome> probe() override { co_return usual; }
  std::string describe() const override { return "BATCHES"; }
  void answer() { kept_.cancel(); }

  std::vector<std::string> chats(std::size_t request) const {
    std::vector<std::string> all;
    for (const Attempt& attempt : requests.at(request)) all.push_back(attempt.chat_id);
    return all;
  }
  std::vector<std::string> single_chats() const {
    std::vector<std::string> all;
    for (const Attempt& attempt : singles) all.push_back(attempt.chat_id);
    return all;
  }

  std::vector<Attempt> singles;
  std::vector<std::vector<Attempt>> requests;
  std::deque<std::vector<Outcome>> script;  // of one outcome: it holds for all
  Outcome usual;
  bool keep = false;
  bool throws = false;

 private:
  std::optional<destinations::BatchLimits> limits_;
  asio::steady_timer kept_;
};

class BatchTest : public test::RelayTest {
 protected:
  ~BatchTest() override {
    drop_dispatcher();
    for (const auto& one : made) {
      one->answer();
      context.restart();
      context.poll();
    }
  }

  BatchingDestination& begin(std::size_t max, Millis wait, config::DestinationConfig config = config_of("crm")) {
    auto configured = destinations_of(max, wait, std::move(config));
    EXPECT_TRUE(dispatcher->start(std::move(configured)));
    return *made.back();
  }
  std::vector<ConfiguredDestination> destinations_of(std::size_t max, Millis wait, config::DestinationConfig config) {
    made.push_back(std::make_shared<BatchingDestination>(context.get_executor(), destinations::BatchLimits{max, wait}));
    std::vector<ConfiguredDestination> all = configured({config_of("mail")});
    ConfiguredDestination one;
    one.destination = made.back();
    one.config = std::move(config);
    all.push_back(std::move(one));
    return all;
  }
  void add_chats(const std::vector<std::string>& chats) {
    for (const std::string& chat : chats) add(chat, {"crm"});
  }
  // One with more than add() gives.
  DeliverySeq add_changed(const std::string& chat, const std::string& visitor,
                          const std::function<void(store::NewDelivery&)>& change) {
    store::NewDelivery delivery = to("crm", chat);
    change(delivery);
    return add_one(chat, visitor, std::move(delivery));
  }
  store::StoredDelivery of(const std::string& chat) {
    std::optional<store::StoredDelivery> found;
    for (const auto& delivery : deliveries("crm"))
      if (delivery.lane == lane_of("crm", "livechat", chat)) found = delivery;
    EXPECT_TRUE(found) << chat;
    return found.value_or(store::StoredDelivery{});
  }

  std::vector<std::shared_ptr<BatchingDestination>> made;
};

TEST_F(BatchTest, HeadsOfDifferentLanesLeaveInOneRequest) {
  add_chats({"A", "B", "C"});
  auto& crm = begin(10, Millis{0});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  ASSERT_THAT(crm.requests, SizeIs(1));
  EXPECT_THAT(crm.chats(0), ElementsAre("A", "B", "C"));
  EXPECT_THAT(crm.singles, IsEmpty());
  for (const auto& delivery : deliveries("crm")) EXPECT_EQ(delivery.attempts, 1);
}

TEST_F(BatchTest, OfALaneThereIsOneInABatchAndItsOrderHolds) {
  add_chats({"A", "A", "B"});
  const auto all = deliveries("crm");
  auto& crm = begin(10, Millis{0});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  ASSERT_THAT(crm.requests, SizeIs(1));
  EXPECT_THAT(crm.chats(0), ElementsAre("A", "B"));
  EXPECT_EQ(crm.requests[0][0].id, all[0].id);
  ASSERT_THAT(crm.singles, SizeIs(1)) << "who is alone leaves as ever";
  EXPECT_EQ(crm.singles[0].id, all[1].id);
}

TEST_F(BatchTest, NoMoreLeaveThanFit) {
  add_chats({"A", "B", "C", "D", "E"});
  auto& crm = begin(2, Millis{0});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 5; }));
  ASSERT_THAT(crm.requests, SizeIs(2));
  EXPECT_THAT(crm.chats(0), ElementsAre("A", "B"));
  EXPECT_THAT(crm.chats(1), ElementsAre("C", "D"));
  EXPECT_THAT(crm.single_chats(), ElementsAre("E"));
}

TEST_F(BatchTest, OneThatIsDueWaitsForOthersButNotLongerThanItMay) {
  auto& crm = begin(3, seconds(1));
  add_chats({"A"});
  settle();
  clock.advance(milliseconds(900));
  add_chats({"B"});
  dispatcher->ring();
  settle();
  EXPECT_THAT(crm.requests, IsEmpty());
  EXPECT_THAT(crm.singles, IsEmpty());
  pass(milliseconds(100));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
  EXPECT_THAT(crm.chats(0), ElementsAre("A", "B"));
}

TEST_F(BatchTest, AFullOneDoesNotWait) {
  auto& crm = begin(3, seconds(10));
  add_chats({"A", "B", "C"});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  EXPECT_THAT(crm.chats(0), ElementsAre("A", "B", "C"));
}

TEST_F(BatchTest, WhoStaysAloneLeavesAsEver) {
  auto& crm = begin(3, seconds(1));
  add_chats({"A"});
  pass(seconds(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  EXPECT_THAT(crm.requests, IsEmpty());
  EXPECT_THAT(crm.single_chats(), ElementsAre("A"));
}

TEST_F(BatchTest, AnActionWithoutABatchDoesNotWaitForAnyone) {
  auto& crm = begin(3, seconds(10));
  add_chats({"A"});
  add_changed("B", "V", [](store::NewDelivery& delivery) { delivery.action = "other"; });
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  EXPECT_THAT(crm.single_chats(), ElementsAre("B"));
}

TEST_F(BatchTest, EachOutcomeGoesToItsOwnLane) {
  add_chats({"A", "B", "C", "A", "B", "C"});
  auto configured = destinations_of(3, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::ok), outcome_of(OutcomeClass::reject), outcome_of(OutcomeClass::retry)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  const auto all = deliveries("crm");
  EXPECT_EQ(all[0].state, DeliveryState::delivered);
  EXPECT_EQ(all[1].state, DeliveryState::dead);
  EXPECT_EQ(all[2].state, DeliveryState::deferred);
  EXPECT_EQ(all[3].state, DeliveryState::delivered);
  EXPECT_EQ(all[4].state, DeliveryState::delivered);
  EXPECT_EQ(all[5].state, DeliveryState::pending) << "behind the head of its lane";
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 5; }));
  EXPECT_EQ(deliveries("crm")[2].attempts, 2);
}

TEST_F(BatchTest, WhatFailedOutOfAPartlyAppliedOneMayLeaveWithAnyone) {
  add_chats({"A", "B"});
  auto configured = destinations_of(3, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::ok), outcome_of(OutcomeClass::retry)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 1; }));
  settle();
  clock.advance(seconds(10));
  add_chats({"D"});
  dispatcher->ring();
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  ASSERT_THAT(crm.requests, SizeIs(2));
  EXPECT_THAT(crm.chats(1), UnorderedElementsAre("B", "D"));
}

TEST_F(BatchTest, ARequestThatFailedIsMadeAgainWithTheSameDeliveriesInTheSameOrder) {
  add_chats({"C", "A", "B"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::retry)}, {outcome_of(OutcomeClass::ambiguous)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 3; }));
  settle();
  const auto failed = deliveries("crm");
  EXPECT_EQ(failed[0].due_at, failed[1].due_at);
  EXPECT_EQ(failed[0].due_at, failed[2].due_at);
  for (const int attempt : {1, 2}) {
    clock.advance(seconds(10));
    add_chats({"D" + std::to_string(attempt), "E" + std::to_string(attempt)});
    dispatcher->ring();
    ASSERT_TRUE(until([&] { return crm.requests.size() == 1 + 2u * static_cast<unsigned>(attempt); })) << attempt;
    settle();
  }
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 7; }));
  std::size_t of_the_three = 0;
  for (std::size_t i = 0; i < crm.requests.size(); ++i) {
    if (crm.requests[i].size() != 3) continue;
    ++of_the_three;
    EXPECT_THAT(crm.chats(i), ElementsAre("C", "A", "B"));
  }
  EXPECT_EQ(of_the_three, 3u);
  EXPECT_EQ(of("A").attempts, 3);
}

TEST_F(BatchTest, WhoWasCancelledMeanwhileIsNotInTheNextOne) {
  add_chats({"A", "B", "C"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::retry)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 3; }));
  await<std::size_t>([&](auto done) { store->cancel({of("B").seq}, "an operator", clock.now(), std::move(done)); });
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
  ASSERT_THAT(crm.requests, SizeIs(2));
  EXPECT_THAT(crm.chats(1), ElementsAre("A", "C"));
}

TEST_F(BatchTest, WhoIsCancelledWhileItWaitsForOthersDoesNotLeave) {
  auto& crm = begin(5, seconds(5));
  add_chats({"A", "B", "C"});
  settle();
  await<std::size_t>([&](auto done) { store->cancel({of("B").seq}, "an operator", clock.now(), std::move(done)); });
  add_chats({"B"});
  pass(seconds(5));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
  EXPECT_THAT(crm.chats(0), ElementsAre("A", "C"));
  EXPECT_EQ(count(DeliveryState::cancelled), 1u);
  pass(seconds(5));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; })) << "the next one of its lane";
}

TEST_F(BatchTest, WhatWasRefusedTogetherIsTriedAlone) {
  add_chats({"A", "B", "C"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::partial)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 3; }));
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  EXPECT_THAT(crm.requests, SizeIs(1));
  EXPECT_THAT(crm.single_chats(), UnorderedElementsAre("A", "B", "C"));
  EXPECT_EQ(status_of("crm").circuit, "closed");
}

TEST_F(BatchTest, TheRateCountsRequests) {
  auto config = config_of("crm");
  config.rate = Rate{1, minutes(1)};
  add_chats({"A", "B", "C", "D"});
  auto& crm = begin(3, Millis{0}, config);
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  settle();
  EXPECT_THAT(crm.requests, SizeIs(1));
  EXPECT_THAT(crm.singles, IsEmpty());
  pass(minutes(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 4; }));
}

TEST_F(BatchTest, SoDoesTheConcurrency) {
  auto config = config_of("crm");
  config.concurrency = 1;
  add_chats({"A", "B", "C", "D"});
  auto configured = destinations_of(3, Millis{0}, config);
  auto& crm = *made.back();
  crm.keep = true;
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return crm.requests.size() == 1; }));
  settle();
  EXPECT_EQ(status_of("crm").under_way, 1u);
  EXPECT_THAT(crm.singles, IsEmpty());
  crm.keep = false;
  crm.answer();
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 4; }));
}

TEST_F(BatchTest, TheCircuitCountsRequests) {
  auto config = config_of("crm");
  config.circuit.failures = 2;
  add_chats({"A", "B", "C"});
  auto configured = destinations_of(10, Millis{0}, config);
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::retry, true)}, {outcome_of(OutcomeClass::retry, true)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 3; }));
  EXPECT_EQ(status_of("crm").circuit, "closed") << "one request, one fault";
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return crm.requests.size() == 2; }));
  settle();
  EXPECT_EQ(status_of("crm").circuit, "open");
}

TEST_F(BatchTest, AWaitPausesTheDestinationAndChargesNobody) {
  add_chats({"A", "B"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::throttle, false, seconds(30))}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return crm.requests.size() == 1; }));
  add_chats({"C"});
  pass(seconds(29));
  EXPECT_THAT(crm.requests, SizeIs(1));
  EXPECT_THAT(crm.singles, IsEmpty());
  EXPECT_EQ(of("A").attempts, 0);
  EXPECT_EQ(of("A").state, DeliveryState::pending);
  pass(seconds(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  EXPECT_THAT(crm.chats(1), ElementsAre("A", "B"));
  EXPECT_THAT(crm.single_chats(), ElementsAre("C"));
}

TEST_F(BatchTest, ADisableHoldsAllOfThem) {
  add_chats({"A", "B"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::disable, true)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::held) == 2; }));
  EXPECT_TRUE(status_of("crm").disabled);
  EXPECT_THAT(raised, SizeIs(1)) << "told once";
  dispatcher->resume("crm", [](Result<void>) {});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
}

TEST_F(BatchTest, AnExceptionIsNobodysLoss) {
  add_chats({"A", "B"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.throws = true;
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 2; }));
  EXPECT_THAT(of("A").reason, HasSubstr("a destination with a hole"));
  crm.throws = false;
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
}

TEST_F(BatchTest, TooFewOutcomesAreNobodysLossEither) {
  add_chats({"A", "B", "C"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{Outcome(), Outcome()}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
  ASSERT_TRUE(until([&] { return of("C").state == DeliveryState::deferred; }));
}

TEST_F(BatchTest, OneThatDoesNotEndIsCut) {
  add_chats({"A", "B"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.keep = true;
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return crm.requests.size() == 1; }));
  crm.keep = false;
  pass(seconds(40));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 2; }));
  EXPECT_EQ(of("A").reason, "no answer in time");
  EXPECT_EQ(of("B").reason, "no answer in time");
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
}

TEST_F(BatchTest, ADeadlineIsKeptWhileItWaitsForOthers) {
  auto& crm = begin(5, seconds(10));
  const auto late = add_changed("A", "V", [&](store::NewDelivery& delivery) {
    delivery.deadline = clock.now() + seconds(3);
    store::NewDelivery mail = delivery;
    mail.deadline.reset();
    mail.destination = "mail";
    mail.lane = lane_of("mail", "livechat", "A");
    delivery.other_way = std::make_shared<const store::NewDelivery>(std::move(mail));
  });
  add_chats({"B"});
  settle();
  clock.advance(seconds(4));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "mail") == 1; }));
  EXPECT_EQ((*store->open_reader()->delivery(late))->state, DeliveryState::cancelled);
  pass(seconds(6));
  ASSERT_TRUE(until([&] { return of("B").state == DeliveryState::delivered; }));
  EXPECT_THAT(crm.requests, IsEmpty());
  EXPECT_THAT(crm.single_chats(), ElementsAre("B"));
}

TEST_F(BatchTest, TwoChatsOfOneVisitorAreNotInOneBatchWhereTheActionAsksForIt) {
  auto& crm = begin(3, seconds(1));
  const auto locked = [](store::NewDelivery& delivery) { delivery.lock = store::LinkScope::visitor; };
  add_changed("A", "V1", locked);
  add_changed("B", "V1", locked);
  add_changed("C", "V2", locked);
  pass(seconds(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
  EXPECT_THAT(crm.chats(0), ElementsAre("A", "C"));
  pass(seconds(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 3; }));
  EXPECT_THAT(crm.single_chats(), ElementsAre("B"));
}

TEST_F(BatchTest, APauseLetsGoOfWhoWaits) {
  auto& crm = begin(3, seconds(1));
  add_chats({"A", "B"});
  settle();
  dispatcher->pause("crm", "maintenance", [](Result<void>) {});
  pass(seconds(5));
  EXPECT_THAT(crm.requests, IsEmpty());
  EXPECT_EQ(count(DeliveryState::pending), 2u);
  dispatcher->resume("crm", [](Result<void>) {});
  pass(seconds(1));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
}

TEST_F(BatchTest, AReloadGoesByWhatTheNewDestinationTakes) {
  begin(3, seconds(10));
  add_chats({"A", "B"});
  settle();
  dispatcher->reload(destinations_of(2, seconds(10), config_of("crm")));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; })) << "two are all that fit now";
  EXPECT_THAT(made[0]->requests, IsEmpty());
  EXPECT_THAT(made[1]->chats(0), ElementsAre("A", "B"));
}

TEST_F(BatchTest, AfterARestartTheyMayBeGroupedAnewAndNoneIsLost) {
  add_chats({"A", "B", "C"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  made.back()->script = {{outcome_of(OutcomeClass::retry)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::deferred) == 3; }));
  drop_dispatcher();
  make_dispatcher();
  add_chats({"D"});
  clock.advance(seconds(10));
  auto& crm = begin(10, Millis{0});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 4; }));
  EXPECT_THAT(crm.requests, SizeIs(1));
  EXPECT_THAT(crm.requests[0], SizeIs(4));
}

TEST_F(BatchTest, EveryDeliveryKeepsItsIdThroughAllItsAttempts) {
  add_chats({"A", "B"});
  auto configured = destinations_of(10, Millis{0}, config_of("crm"));
  auto& crm = *made.back();
  crm.script = {{outcome_of(OutcomeClass::retry)}, {outcome_of(OutcomeClass::partial)}};
  ASSERT_TRUE(dispatcher->start(std::move(configured)));
  for (const int attempt : {1, 2}) {
    ASSERT_TRUE(until([&] { return crm.requests.size() == static_cast<std::size_t>(attempt); }));
    pass(seconds(60));
  }
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
  ASSERT_THAT(crm.singles, SizeIs(2));
  for (std::size_t i = 0; i < 2; ++i) {
    const Attempt& first = crm.requests[0][i];
    EXPECT_EQ(crm.requests[1][i].id, first.id);
    EXPECT_EQ(crm.requests[1][i].number, 2);
    EXPECT_TRUE(std::ranges::any_of(crm.singles, [&](const Attempt& one) { return one.id == first.id; }));
  }
}

}  // namespace
}  // namespace chatrelay::deliver
