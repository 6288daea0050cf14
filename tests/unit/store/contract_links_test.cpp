// The Store contract: links, what only some deliveries have (inputs, progress, a lock), deadlines with another way.
#include <algorithm>

#include "contract/store/store_contract.hpp"
#include "unit/store/backends.hpp"

namespace chatrelay::store::contract {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> shown(const Result<std::vector<StoredLink>>& links) {
  std::vector<std::string> lines;
  EXPECT_TRUE(links);
  if (links)
    for (const StoredLink& link : *links)
      lines.push_back(link.destination + " " + std::string(to_string(link.scope)) + " " + link.key + "=" + link.value);
  return lines;
}
using Lines = std::vector<std::string>;

class Links : public StoreContract {
 protected:
  StoredDelivery at(DeliverySeq seq) { return **reader->delivery(seq); }
  DeliverySeq add(NewDelivery delivery, const std::string& chat = "C1") {
    return plan_new(*store, now(), {std::move(delivery)}, chat).at(0);
  }
  // A chat that has a conversation, with its visitor.
  DeliverySeq add_known(const std::string& chat, const std::string& visitor) {
    auto appended = append(*store, make_event("{}", now()));
    Plan plan = make_plan(appended->seq, chat, {make_delivery("crm", std::hash<std::string>{}(chat) >> 1)}, now());
    ConversationUpdate update;
    update.source = "livechat";
    update.chat_id = chat;
    update.visitor_id = visitor;
    update.active_at = now();
    update.state = json::object();
    plan.conversation = std::move(update);
    return apply(*store, std::move(plan))->at(0);
  }
  AttemptResult saving(DeliverySeq seq, std::vector<NewLink> saved, DeliveryState state = DeliveryState::delivered) {
    AttemptResult result = attempt(seq, state, now(), now() + 1s);
    result.subject = {"livechat", "V1", "C1", "T1"};
    result.saved = std::move(saved);
    return result;
  }
  Result<bool> overtake(DeliverySeq seq) {
    return wait<bool>([&](Done<bool> done) { store->overtake(seq, {"too late", "in its place"}, now(), done); });
  }
  Result<bool> render(DeliverySeq seq, const std::string& payload) {
    return wait<bool>([&](Done<bool> done) { store->render(seq, payload, done); });
  }
  NewDelivery with_other_way(Millis after) {
    NewDelivery first = make_delivery("crm", 1, "rule", "{\"to\":\"crm\"}");
    NewDelivery second = make_delivery("mail", 2, "", "{\"to\":\"mail\"}");
    second.action = "send";
    second.lock = LinkScope::chat;
    first.deadline = now() + after;
    first.other_way = std::make_shared<const NewDelivery>(second);
    return first;
  }
  std::vector<DeliverySeq> overdue() {
    const auto found = reader->overdue(now(), 100);
    EXPECT_TRUE(found);
    std::vector<DeliverySeq> seqs;
    for (const auto& d : *found) seqs.push_back(d.seq);
    return seqs;
  }
  std::vector<StoredDelivery> of(const std::string& destination) {
    DeliveryFilter filter;
    filter.destination = destination;
    return *reader->list_deliveries(filter);
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Links, testing::ValuesIn(backends()), backend_name);

TEST_P(Links, AreWrittenWithTheAttemptAndFoundFromBothSides) {
  const auto seq = add(make_delivery("crm", 1));
  EXPECT_FALSE(*reader->has_links("crm"));
  ASSERT_TRUE(record(*store, saving(seq, {{LinkScope::visitor, "contact_id", "7"},
                                          {LinkScope::chat, "ticket", "8"},
                                          {LinkScope::thread, "ts", "9"}})));
  EXPECT_TRUE(*reader->has_links("crm"));
  EXPECT_FALSE(*reader->has_links("team"));
  EXPECT_EQ(shown(reader->links({"livechat", "V1", "C1", "T1"}, "crm")),
            (Lines{"crm visitor contact_id=7", "crm chat ticket=8", "crm thread ts=9"}));
  EXPECT_EQ(shown(reader->links({"livechat", "V1", "C2", "T1"}, "")), (Lines{"crm visitor contact_id=7"}));
  EXPECT_EQ(shown(reader->links({"livechat", "", "C1", "T2"}, "")), (Lines{"crm chat ticket=8"}));
  EXPECT_EQ(shown(reader->links({"livechat", "C1", "V1", ""}, "")), Lines{}) << "a chat's id is no visitor's";
  EXPECT_EQ(shown(reader->links({"forms", "V1", "C1", "T1"}, "")), Lines{}) << "another source's";
  EXPECT_EQ(shown(reader->links({"livechat", "V1", "C1", "T1"}, "team")), Lines{});
  const auto back = reader->find_links({"", "", "9", 50});
  ASSERT_EQ(shown(back), (Lines{"crm thread ts=9"}));
  EXPECT_EQ((*back)[0].subject.chat_id, "C1");
  EXPECT_EQ((*back)[0].subject.thread_id, "T1");
  EXPECT_EQ((*back)[0].subject.visitor_id, "");
  EXPECT_EQ((*back)[0].subject.source, "livechat");
  EXPECT_EQ((*back)[0].delivery, seq);
  EXPECT_EQ((*back)[0].saved_at, now() + 5ms);
  EXPECT_EQ(shown(reader->find_links({"crm", "ts", "9", 50})), (Lines{"crm thread ts=9"}));
  EXPECT_EQ(shown(reader->find_links({"crm", "other", "9", 50})), Lines{});
  EXPECT_EQ(shown(reader->find_links({"team", "", "9", 50})), Lines{});
}

TEST_P(Links, WhatIsSavedLaterReplacesAndOutlivesARestart) {
  const auto first = add(make_delivery("crm", 1)), second = add(make_delivery("crm", 1));
  record(*store, saving(first, {{LinkScope::chat, "ticket", "8"}}));
  record(*store, saving(second, {{LinkScope::chat, "ticket", "9"}}));
  EXPECT_EQ(shown(reader->links({"livechat", "", "C1", ""}, "crm")), (Lines{"crm chat ticket=9"}));
  EXPECT_EQ(shown(reader->find_links({"", "", "8", 50})), Lines{});
  if (GetParam().name == "memory") return;
  reopen();
  EXPECT_EQ(shown(reader->links({"livechat", "", "C1", ""}, "crm")), (Lines{"crm chat ticket=9"}));
}

TEST_P(Links, WithoutASubjectNothingIsKeptAndACancelledDeliveryKeepsItsOwn) {
  const auto seq = add(make_delivery("crm", 1));
  cancel(*store, {seq}, now());
  auto result = saving(seq, {{LinkScope::visitor, "contact_id", "7"}, {LinkScope::thread, "ts", "9"}});
  result.subject = {"livechat", "", "C1", ""};
  EXPECT_FALSE(*record(*store, result)) << "it was closed; its record is there all the same";
  EXPECT_EQ(shown(reader->links_of_chat("livechat", "C1")), (Lines{"crm thread ts=9"}));
  EXPECT_EQ(shown(reader->links({"livechat", "", "C1", ""}, "crm")), (Lines{"crm thread ts=9"}));
  EXPECT_EQ(shown(reader->find_links({"", "", "7", 50})), Lines{});
}

TEST_P(Links, OfAChatAreThoseOfEveryThreadAndOfItsVisitor) {
  const auto seq = add_known("C1", "V1");
  auto result = saving(seq, {{LinkScope::visitor, "id", "1"}, {LinkScope::thread, "ts", "2"}});
  record(*store, result);
  result.subject.thread_id = "T2";
  result.saved = {{LinkScope::thread, "ts", "3"}};
  record(*store, result);
  EXPECT_EQ(shown(reader->links_of_chat("livechat", "C1")),
            (Lines{"crm visitor id=1", "crm thread ts=2", "crm thread ts=3"}));
  EXPECT_EQ(shown(reader->links_of_chat("forms", "C1")), Lines{});
}

TEST_P(Links, TheVisitorOfADueDeliveryIsTheChatsOrItsOwn) {
  add_known("C1", "V1");
  auto head = reader->due("crm", now(), 10, {});
  ASSERT_EQ(head->size(), 1u);
  EXPECT_EQ((*head)[0].origin.visitor_id, "V1");
  auto without_chat = make_delivery("team", 5);
  without_chat.visitor_id = "V9";
  without_chat.lock = LinkScope::visitor;
  add(without_chat, "");
  head = reader->due("team", now(), 10, {});
  ASSERT_EQ(head->size(), 1u);
  EXPECT_EQ((*head)[0].origin.visitor_id, "V9");
  EXPECT_EQ((*head)[0].lock, LinkScope::visitor);
}

TEST_P(Links, RetentionTakesThoseOfChatsAndVisitorsThatAreGone) {
  const auto old_one = add_known("C1", "V1");
  record(*store, saving(old_one, {{LinkScope::visitor, "id", "1"}, {LinkScope::chat, "ticket", "2"}}));
  clock.advance(48h);
  add_known("C2", "V1");  // the visitor came back
  const auto prune_all = [&](WallTime before) {
    Store::RetentionLimits limits{before, before, before};
    for (int i = 0; i < 200; ++i) wait<bool>([&](Done<bool> done) { store->prune(limits, 10, done); });
  };
  prune_all(now() - 24h);
  EXPECT_EQ(shown(reader->links({"livechat", "V1", "C1", ""}, "")), (Lines{"crm visitor id=1"}));
  for (const auto& d : of("crm"))
    if (is_open(d.state)) record(*store, attempt(d.seq, DeliveryState::delivered, now()));
  clock.advance(48h);
  prune_all(now() - 24h);
  EXPECT_EQ(shown(reader->links({"livechat", "V1", "C1", ""}, "")), Lines{});
  EXPECT_FALSE(*reader->has_links("crm"));
}

TEST_P(Links, ProgressIsKeptUntilTheDeliveryIsTaken) {
  const auto seq = add(make_delivery("crm", 1));
  auto result = attempt(seq, DeliveryState::deferred, now(), now(), OutcomeClass::retry);
  result.progress = R"({"search":{"id":"7"}})";
  record(*store, result);
  EXPECT_EQ(at(seq).progress, result.progress);
  EXPECT_EQ(reader->due("crm", now(), 1, {})->at(0).progress, result.progress);
  result.progress = R"({"create":{}})";
  record(*store, result);
  EXPECT_EQ(at(seq).progress, result.progress);
  result.state = DeliveryState::dead;
  record(*store, result);
  retry(*store, {seq}, now());
  EXPECT_EQ(at(seq).progress, result.progress) << "what its steps did is not done twice";
  record(*store, attempt(seq, DeliveryState::delivered, now()));
  EXPECT_EQ(at(seq).progress, "");
}

TEST_P(Links, InputsStayUntilTheyAreRenderedAndThePayloadStaysForEver) {
  auto late = make_delivery("crm", 1, "rule", "");
  late.inputs = R"({"late":[]})";
  const auto seq = add(late);
  auto head = reader->due("crm", now(), 1, {})->at(0);
  EXPECT_EQ(head.inputs, late.inputs);
  EXPECT_EQ(head.payload, "");
  EXPECT_EQ(of("crm").at(0).inputs, "") << "a listing is light";
  EXPECT_TRUE(*render(seq, "{\"a\":1}"));
  EXPECT_FALSE(*render(seq, "{\"a\":2}")) << "once";
  EXPECT_EQ(at(seq).payload, "{\"a\":1}");
  EXPECT_EQ(at(seq).inputs, "");
  record(*store, attempt(seq, DeliveryState::dead, now()));
  retry(*store, {seq}, now());
  EXPECT_EQ(at(seq).payload, "{\"a\":1}") << "every retry sends the same bytes";
  EXPECT_EQ(at(seq).inputs, "");
}

TEST_P(Links, WhatWasCancelledIsNotRenderedAnyMore) {
  auto late = make_delivery("crm", 1, "rule", "");
  late.inputs = R"({"late":[]})";
  const auto seq = add(late);
  cancel(*store, {seq}, now());
  EXPECT_FALSE(*render(seq, "{\"a\":1}"));
  retry(*store, {seq}, now());
  EXPECT_EQ(at(seq).inputs, late.inputs) << "it is rendered when it is wanted after all";
}

TEST_P(Links, AnOverdueDeliveryGoesItsOtherWayOnce) {
  const auto seq = add(with_other_way(60s)), behind = add(make_delivery("crm", 1));
  EXPECT_EQ(at(seq).deadline, now() + 60s);
  EXPECT_EQ(at(seq).other_destination, "mail");
  EXPECT_EQ(overdue(), std::vector<DeliverySeq>{});
  clock.advance(60s);
  EXPECT_EQ(overdue(), std::vector<DeliverySeq>{seq});
  EXPECT_TRUE(*overtake(seq));
  EXPECT_FALSE(*overtake(seq));
  EXPECT_EQ(overdue(), std::vector<DeliverySeq>{});
  EXPECT_EQ(at(seq).state, DeliveryState::cancelled);
  EXPECT_EQ(at(seq).reason, "too late");
  EXPECT_EQ(due(*reader, "crm", now()), std::vector<DeliverySeq>{behind}) << "its lane goes on";
  const auto second = of("mail");
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].rule, "rule");
  EXPECT_EQ(second[0].action, "send");
  EXPECT_EQ(second[0].event.seq, at(seq).event.seq);
  EXPECT_EQ(second[0].note, "in its place");
  EXPECT_EQ(second[0].lock, LinkScope::chat);
  EXPECT_EQ(second[0].lane, 2u);
  EXPECT_EQ(at(second[0].seq).payload, "{\"to\":\"mail\"}");
  expect_counters_right(*reader);
  retry(*store, {seq}, now());
  EXPECT_FALSE(*overtake(seq)) << "an operator's retry has no other way any more";
  EXPECT_TRUE(*record(*store, attempt(second[0].seq, DeliveryState::delivered, now(), now())));
  EXPECT_EQ(at(second[0].seq).note, "in its place") << "also once it is delivered";
}

TEST_P(Links, AnAttemptThatBeganIsKnownUntilItsOutcome) {
  const auto ended = add(make_delivery("crm", 1)), cancelled = add(make_delivery("crm", 2), "C2"),
             open = add(make_delivery("crm", 3), "C3"), plain = add(make_delivery("crm", 4), "C4");
  const auto begin = [&](std::vector<DeliverySeq> seqs) {
    return wait<bool>([&](Done<bool> done) { store->begin(std::move(seqs), std::move(done)); });
  };
  EXPECT_TRUE(*begin({ended, cancelled, open}));
  auto result = attempt(ended, DeliveryState::deferred, now(), now() + 1s, OutcomeClass::retry);
  result.begun = true;
  EXPECT_TRUE(*record(*store, result));
  cancel(*store, {cancelled}, now());
  EXPECT_TRUE(*begin({cancelled}));
  if (GetParam().name != "memory") reopen();
  EXPECT_FALSE(at(ended).begun);
  EXPECT_FALSE(at(cancelled).begun) << "it is closed";
  EXPECT_TRUE(at(open).begun);
  EXPECT_FALSE(at(plain).begun);
}

TEST_P(Links, TheEndOfAnAttemptMayBeTheOtherWay) {
  const auto late = add(with_other_way(1s)), rejected = add(with_other_way(1s), "C2"),
             taken = add(with_other_way(1s), "C3"), plain = add(make_delivery("crm", 9), "C4");
  const auto end = [&](DeliverySeq seq, DeliveryState state) {
    auto result = attempt(seq, state, now(), now() + 5s, OutcomeClass::retry);
    result.other_way = OtherWay{"too late", "in its place"};
    return *record(*store, result);
  };
  EXPECT_TRUE(end(late, DeliveryState::deferred));
  EXPECT_EQ(at(late).state, DeliveryState::cancelled);
  EXPECT_EQ(at(late).attempts, 1);
  EXPECT_TRUE(end(rejected, DeliveryState::dead));
  EXPECT_EQ(at(rejected).state, DeliveryState::dead);
  EXPECT_EQ(at(rejected).reason, "too late");
  EXPECT_TRUE(end(taken, DeliveryState::delivered));
  EXPECT_EQ(at(taken).state, DeliveryState::delivered);
  EXPECT_EQ(at(taken).deadline, std::nullopt);
  EXPECT_TRUE(end(plain, DeliveryState::deferred));
  EXPECT_EQ(at(plain).state, DeliveryState::deferred) << "it has no other way";
  EXPECT_EQ(of("mail").size(), 2u);
  clock.advance(10s);
  EXPECT_EQ(overdue(), std::vector<DeliverySeq>{});
  expect_counters_right(*reader);
}

TEST_P(Links, ADeadlineSurvivesARestartAndEndsWithACancel) {
  const auto kept = add(with_other_way(1s)), cancelled = add(with_other_way(1s), "C2");
  cancel(*store, {cancelled}, now());
  if (GetParam().name != "memory") reopen();
  clock.advance(2s);
  EXPECT_EQ(overdue(), std::vector<DeliverySeq>{kept});
  EXPECT_TRUE(*overtake(kept));
  EXPECT_FALSE(*overtake(cancelled));
  EXPECT_EQ(of("mail").size(), 1u);
}

}  // namespace
}  // namespace chatrelay::store::contract
