// Links, locks, late payloads and other ways, through the dispatcher.
#include <gmock/gmock.h>

#include "deliver/dispatcher.hpp"
#include "rules/late_payload.hpp"
#include "unit/deliver/fakes.hpp"

namespace chatrelay::deliver {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using test::outcome_of;
using testing::HasSubstr;

class WaysTest : public test::RelayTest {
 protected:
  store::NewDelivery late(const std::string& destination, const std::string& chat, const std::string& text) {
    store::NewDelivery delivery = to(destination, chat);
    delivery.payload.clear();
    delivery.inputs = rules::late_inputs({destination, {}, {}, "all"}, {{"fixed", 1}},
                                         {{"text", json::value(json::string(text)), expression::Escape::none}}, {},
                                         json::object{{"type", "incoming_event"}}, "r.yaml:1");
    return delivery;
  }
  store::NewDelivery with_other_way(const std::string& chat, Millis after, const std::string& other = "mail") {
    store::NewDelivery delivery = to("crm", chat);
    delivery.deadline = clock.now() + after;
    delivery.other_way = std::make_shared<const store::NewDelivery>(to(other, chat));
    return delivery;
  }
  static Outcome saving(OutcomeClass klass, std::vector<Saved> saved) {
    Outcome outcome = outcome_of(klass);
    outcome.saved = std::move(saved);
    return outcome;
  }
  store::StoredDelivery at(DeliverySeq seq) { return **store->open_reader()->delivery(seq); }
  // The upkeep comes by the second of the real clock.
  template <class Condition>
  [[nodiscard]] bool soon(Condition condition) {
    return until(condition);
  }
};

TEST_F(WaysTest, WhatAnAnswerNamedIsThereForTheNextOne) {
  fake("crm").script = {saving(OutcomeClass::ok, {{"visitor", "contact_id", "7"}, {"thread", "ts", "9"}})};
  start({config_of("crm"), config_of("team")});
  add_one("A", "V1", to("crm", "A"));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  EXPECT_EQ(fake("crm").attempts[0].links, json::parse(R"({"visitor":{},"chat":{},"thread":{}})").as_object());
  add_one("A", "V1", to("crm", "A"));
  add_one("B", "V1", to("crm", "B"));
  add_one("A", "V1", to("team", "A"));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 4; }));
  for (const Attempt& attempt : fake("crm").attempts) {
    if (&attempt == &fake("crm").attempts[0]) continue;
    EXPECT_EQ(attempt.links.at("visitor"), json::parse(R"({"contact_id":"7"})"));
    EXPECT_EQ(attempt.links.at("thread"), attempt.chat_id == "A" ? json::parse(R"({"ts":"9"})") : json::object());
  }
  EXPECT_EQ(fake("team").attempts[0].links.at("visitor"), json::object()) << "another destination's";
}

TEST_F(WaysTest, LinksAreThereAfterARestart) {
  fake("crm").script = {saving(OutcomeClass::ok, {{"chat", "ticket", "7"}})};
  start({config_of("crm")});
  add_one("A", "V1", to("crm", "A"));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  drop_dispatcher();
  make_dispatcher();
  start({config_of("crm")});
  add_one("A", "V1", to("crm", "A"));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 2; }));
  EXPECT_EQ(fake("crm").attempts[1].links.at("chat"), json::parse(R"({"ticket":"7"})"));
}

TEST_F(WaysTest, ARetryKnowsHowFarTheStepsCame) {
  Outcome first = outcome_of(OutcomeClass::retry);
  first.progress = {{"search", json::object{{"id", "7"}}}};
  fake("crm").script = {first, outcome_of(OutcomeClass::retry)};
  start({config_of("crm")});
  add_one("A", "V1", to("crm", "A"));
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 1; }));
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 2; }));
  pass(seconds(60));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  EXPECT_TRUE(fake("crm").attempts[0].progress.empty());
  EXPECT_EQ(fake("crm").attempts[1].progress, first.progress);
  EXPECT_EQ(fake("crm").attempts[2].progress, first.progress) << "an outcome that says nothing takes nothing back";
}

TEST_F(WaysTest, TwoChatsOfOneVisitorTakeTurnsWhereTheActionAsksForIt) {
  fake("crm").keep = true;
  start({config_of("crm")});
  for (const char* chat : {"A", "B", "C"}) {
    auto delivery = to("crm", chat);
    delivery.lock = store::LinkScope::visitor;
    add_one(chat, std::string(chat) == "C" ? "V2" : "V1", delivery);
  }
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 2; }));
  settle();
  ASSERT_EQ(fake("crm").attempts.size(), 2u);
  EXPECT_EQ(fake("crm").attempts[0].chat_id, "A");
  EXPECT_EQ(fake("crm").attempts[1].chat_id, "C") << "another visitor's goes on";
  fake("crm").answer(0, saving(OutcomeClass::ok, {{"visitor", "contact_id", "7"}}));
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 3; }));
  EXPECT_EQ(fake("crm").attempts[2].chat_id, "B");
  EXPECT_EQ(fake("crm").attempts[2].links.at("visitor"), json::parse(R"({"contact_id":"7"})"))
      << "what the first one saved";
}

TEST_F(WaysTest, WithoutALockTheyRunAtOnce) {
  fake("crm").keep = true;
  start({config_of("crm")});
  add_one("A", "V1", to("crm", "A"));
  add_one("B", "V1", to("crm", "B"));
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 2; }));
}

TEST_F(WaysTest, ALatePayloadIsRenderedAtTheHeadOnceAndEveryRetrySendsTheSame) {
  fake("crm").script = {saving(OutcomeClass::ok, {{"chat", "ticket", "7"}})};
  fake("team").script = {outcome_of(OutcomeClass::retry)};
  fake("team").keep = false;
  start({config_of("crm"), config_of("team")});
  add_one("A", "V1", to("crm", "A"));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "crm") == 1; }));
  const auto seq = add_one("A", "V1", late("team", "A", "ticket {{ .links.crm.ticket }} of {{ .type }}"));
  ASSERT_TRUE(until([&] { return fake("team").attempts.size() == 1; }));
  const json::value expected = json::parse(R"({"fixed":1,"text":"ticket 7 of incoming_event"})");
  EXPECT_EQ(fake("team").attempts[0].with, expected);
  EXPECT_EQ(at(seq).inputs, "");
  // The link changes; the delivery does not.
  fake("crm").script = {saving(OutcomeClass::ok, {{"chat", "ticket", "8"}})};
  add_one("A", "V1", to("crm", "A"));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "crm") == 2; }));
  pass(seconds(10));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "team") == 1; }));
  EXPECT_EQ(fake("team").attempts[1].with, expected);
}

TEST_F(WaysTest, ALatePayloadThatFailsIsADeadLetterAndItsLaneGoesOn) {
  start({config_of("team")});
  const auto seq = add_one("A", "V1", late("team", "A", "{{ .type + 1 }}"));
  add_one("A", "V1", late("team", "A", "fine {{ .links.crm.ticket }}"));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered) == 1; }));
  EXPECT_EQ(at(seq).state, DeliveryState::dead);
  EXPECT_THAT(at(seq).reason, HasSubstr("with: text: "));
  EXPECT_EQ(fake("team").attempts[0].with, json::parse(R"({"fixed":1,"text":"fine "})"));
}

TEST_F(WaysTest, WhatIsNotTakenInTimeGoesItsOtherWayWhereverItStands) {
  start({config_of("crm"), config_of("mail")});
  Result<void> paused;
  dispatcher->pause("crm", "maintenance", [&](Result<void> done) { paused = done; });
  const auto head = add_one("A", "V1", with_other_way("A", seconds(60)));
  const auto behind = add_one("A", "V1", with_other_way("A", seconds(90)));
  const auto plain = add_one("A", "V1", to("crm", "A"));
  pass(seconds(59));
  EXPECT_EQ(deliveries("mail").size(), 0u);
  clock.advance(seconds(40));
  ASSERT_TRUE(soon([&] { return count(DeliveryState::delivered, "mail") == 2; }));
  for (const auto seq : {head, behind}) {
    EXPECT_EQ(at(seq).state, DeliveryState::cancelled);
    EXPECT_THAT(at(seq).reason, HasSubstr("not taken before its deadline"));
    EXPECT_THAT(at(seq).reason, testing::Not(HasSubstr("double")));
  }
  EXPECT_TRUE(fake("crm").attempts.empty());
  dispatcher->resume("crm", [](Result<void>) {});
  ASSERT_TRUE(until([&] { return at(plain).state == DeliveryState::delivered; })) << "the lane goes on";
  EXPECT_EQ(fake("crm").attempts.size(), 1u);
}

TEST_F(WaysTest, AtTheDeadlineARunningAttemptIsWaitedFor) {
  fake("crm").keep = true;
  start({config_of("crm"), config_of("mail")});
  const auto taken = add_one("A", "V1", with_other_way("A", seconds(10)));
  const auto refused = add_one("B", "V1", with_other_way("B", seconds(10)));
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 2; }));
  pass(seconds(12));
  EXPECT_EQ(deliveries("mail").size(), 0u);
  fake("crm").answer(0, Outcome());
  ASSERT_TRUE(until([&] { return at(taken).state == DeliveryState::delivered; }));
  fake("crm").answer(0, outcome_of(OutcomeClass::ambiguous));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "mail") == 1; }));
  EXPECT_EQ(at(refused).state, DeliveryState::cancelled);
  EXPECT_THAT(at(refused).reason, HasSubstr("may be a double"));
  ASSERT_EQ(deliveries("mail").size(), 1u);
  EXPECT_THAT(deliveries("mail").front().note, AllOf(HasSubstr(at(refused).id), HasSubstr("may be a double")))
      << "also when it is delivered";
}

TEST_F(WaysTest, WhatIsRejectedNeedNotWaitForItsDeadline) {
  fake("crm").script = {outcome_of(OutcomeClass::reject)};
  start({config_of("crm"), config_of("mail")});
  const auto seq = add_one("A", "V1", with_other_way("A", seconds(60)));
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "mail") == 1; }));
  EXPECT_EQ(at(seq).state, DeliveryState::dead);
  EXPECT_THAT(at(seq).reason, HasSubstr("went to mail instead"));
  pass(seconds(120));
  EXPECT_EQ(deliveries("mail").size(), 1u) << "once";
}

TEST_F(WaysTest, ADeadlineThatPassedWhileNobodyRanIsKeptBeforeAnythingIsTried) {
  const auto seq = add_one("A", "V1", with_other_way("A", seconds(10)));
  clock.advance(std::chrono::hours(1));
  start({config_of("crm"), config_of("mail")});
  ASSERT_TRUE(until([&] { return count(DeliveryState::delivered, "mail") == 1; }));
  EXPECT_TRUE(fake("crm").attempts.empty());
  EXPECT_EQ(at(seq).state, DeliveryState::cancelled);
}

TEST_F(WaysTest, AnEarlierAttemptThatMayHaveBeenAppliedIsSaid) {
  fake("crm").script = {outcome_of(OutcomeClass::ambiguous)};
  fake("crm").usual = outcome_of(OutcomeClass::retry);
  start({config_of("crm"), config_of("mail")});
  const auto seq = add_one("A", "V1", with_other_way("A", seconds(30)));
  ASSERT_TRUE(until([&] { return fake("crm").attempts.size() == 1; }));
  Result<void> paused;
  dispatcher->pause("crm", "maintenance", [&](Result<void> done) { paused = done; });
  pass(seconds(31));
  ASSERT_TRUE(soon([&] { return count(DeliveryState::delivered, "mail") == 1; }));
  EXPECT_THAT(at(seq).reason, HasSubstr("may be a double"));
}

TEST_F(WaysTest, WhereAmbiguousOnesAreHeldAnAttemptThatAKillCutIsHeldToo) {
  fake("crm").keep = true;
  auto config = config_of("crm");
  config.hold_ambiguous = true;
  start({config});
  const auto seq = add_one("A", "V1", to("crm", "A"));
  ASSERT_TRUE(until([&] { return fake("crm").kept() == 1; }));
  EXPECT_TRUE(at(seq).begun) << "on disk before the attempt";
  drop_dispatcher();
  fake("crm").keep = false;
  make_dispatcher();
  start({config});
  ASSERT_TRUE(until([&] { return at(seq).state == DeliveryState::held; }));
  EXPECT_THAT(at(seq).reason, HasSubstr("the daemon ended during an attempt"));
  EXPECT_EQ(fake("crm").attempts.size(), 1u);
  await<std::size_t>([&](auto done) { store->retry({seq}, clock.now(), std::move(done)); });
  ASSERT_TRUE(until([&] { return at(seq).state == DeliveryState::delivered; })) << "the operator decides";
  EXPECT_EQ(fake("crm").attempts.size(), 2u);
  EXPECT_FALSE(at(seq).begun);
}

}  // namespace
}  // namespace chatrelay::deliver
