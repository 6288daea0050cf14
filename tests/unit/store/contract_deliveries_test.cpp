// The Store contract: deliveries, lanes, attempts, an operator's hand, retention.
#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>

#include "common/ids.hpp"
#include "contract/store/store_contract.hpp"
#include "unit/store/backends.hpp"

namespace chatrelay::store::contract {
namespace {

using namespace std::chrono_literals;
using Seqs = std::vector<DeliverySeq>;

class Deliveries : public StoreContract {
 protected:
  StoredDelivery at(DeliverySeq seq) { return **reader->delivery(seq); }
  Seqs due_now(std::size_t limit = 100, const Seqs& skip = {}) { return due(*reader, "crm", now(), limit, skip); }
  Result<bool> end(DeliverySeq seq, DeliveryState state, Millis later = 0ms, OutcomeClass outcome = OutcomeClass::ok) {
    return record(*store, attempt(seq, state, now(), now() + later, outcome));
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Deliveries, testing::ValuesIn(backends()), backend_name);

TEST_P(Deliveries, ANewDeliveryIsReadBackAsPlanned) {
  auto seqs = plan_new(*store, now(), {make_delivery("crm", (1ULL << 63) - 1, "to_crm", "{\"x\":\"\\u0000é\"}")}, "c");
  ASSERT_EQ(seqs.size(), 1u);
  auto d = at(seqs[0]);
  EXPECT_EQ(d.rule, "to_crm");
  EXPECT_EQ(d.destination, "crm");
  EXPECT_EQ(d.action, "post");
  EXPECT_EQ(d.lane, (1ULL << 63) - 1);
  EXPECT_EQ(d.state, DeliveryState::pending);
  EXPECT_EQ(d.created_at, now());
  EXPECT_EQ(d.due_at, now());
  EXPECT_EQ(d.first_pending_at, now());
  EXPECT_EQ(d.attempts, 0);
  EXPECT_EQ(d.payload, "{\"x\":\"\\u0000é\"}");
  EXPECT_FALSE(d.finished_at);
  auto found = reader->find_delivery(d.id);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->seq, d.seq);
  auto forged = *decode_ulid(d.id);
  forged.salt ^= 1;
  EXPECT_FALSE(*reader->find_delivery(encode_ulid(forged)));
  EXPECT_FALSE(*reader->find_delivery("x"));
  EXPECT_FALSE(*reader->delivery(seqs[0] + 1));
  auto listed = *reader->list_deliveries({});
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_TRUE(listed[0].payload.empty());
}

TEST_P(Deliveries, OnlyTheHeadOfALaneIsDueAndLanesAreIndependent) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 2)});
  auto b = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("mail", 3)});
  EXPECT_EQ(due_now(), (Seqs{a[0], a[1]}));
  EXPECT_EQ(due(*reader, "mail", now()), (Seqs{b[1]}));
  EXPECT_EQ(due(*reader, "nobody", now()), (Seqs{}));
  EXPECT_EQ(due_now(1), (Seqs{a[0]}));
  EXPECT_EQ(due_now(10, {a[0]}), (Seqs{a[1]}));
  EXPECT_TRUE(*end(a[0], DeliveryState::delivered));
  auto after = due_now();
  std::sort(after.begin(), after.end());
  EXPECT_EQ(after, (Seqs{a[1], b[0]}));
  EXPECT_FALSE((*reader->due("crm", now(), 1, {}))[0].payload.empty());
}

TEST_P(Deliveries, OfALaneTheDeliveriesLeaveInTheOrderOfPlanning) {
  Seqs planned, left;
  for (int i = 0; i < 20; ++i) {
    auto seqs = plan_new(*store, now(), {make_delivery("crm", 7, "first"), make_delivery("crm", 7, "second")});
    planned.insert(planned.end(), seqs.begin(), seqs.end());
    clock.jump_wall(i % 2 ? -1h : 30min);  // times do not matter for the order
  }
  clock.jump_wall(100h);
  for (auto next = due_now(); !next.empty(); next = due_now()) {
    ASSERT_EQ(next.size(), 1u);
    left.push_back(next[0]);
    ASSERT_TRUE(*end(next[0], left.size() % 3 ? DeliveryState::delivered : DeliveryState::dead));
  }
  EXPECT_EQ(left, planned);
}

TEST_P(Deliveries, ADeferredHeadBlocksItsLaneUntilItIsDue) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 1)});
  ASSERT_TRUE(*end(a[0], DeliveryState::deferred, 10s, OutcomeClass::retry));
  EXPECT_EQ(due_now(), Seqs{});
  EXPECT_EQ(*reader->next_due("crm", now()), now() + 10s);
  auto d = at(a[0]);
  EXPECT_EQ(d.state, DeliveryState::deferred);
  EXPECT_EQ(d.attempts, 1);
  EXPECT_EQ(d.reason, "HTTP 200");
  clock.advance(10s);
  EXPECT_EQ(due_now(), (Seqs{a[0]}));
  EXPECT_FALSE(*reader->next_due("crm", now()));
  ASSERT_TRUE(*end(a[0], DeliveryState::delivered));
  EXPECT_EQ(due_now(), (Seqs{a[1]}));
  EXPECT_EQ(at(a[0]).reason, "");
  EXPECT_EQ(at(a[0]).finished_at, now() + 5ms);
}

TEST_P(Deliveries, TheOldestDueComesFirst) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 2), make_delivery("crm", 3)});
  end(a[0], DeliveryState::deferred, 30s);
  end(a[1], DeliveryState::deferred, 10s);
  end(a[2], DeliveryState::deferred, 20s);
  clock.advance(25s);
  EXPECT_EQ(due_now(), (Seqs{a[1], a[2]}));
  EXPECT_EQ(*reader->next_due("crm", now()), now() + 5s);
}

TEST_P(Deliveries, AHeldHeadBlocksItsLaneAndOnlyThat) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 1), make_delivery("crm", 2)});
  ASSERT_TRUE(*end(a[0], DeliveryState::held, 0ms, OutcomeClass::disable));
  clock.advance(24h);
  EXPECT_EQ(due_now(), (Seqs{a[2]}));
  EXPECT_EQ((*reader->backlog())[0].held, 1u);
  EXPECT_EQ(*retry(*store, {a[0]}, now()), 1u);
  EXPECT_EQ(at(a[0]).state, DeliveryState::pending);
  auto after = due_now();
  std::sort(after.begin(), after.end());
  EXPECT_EQ(after, (Seqs{a[0], a[2]})) << "in its old place";
  expect_counters_right(*reader);
}

TEST_P(Deliveries, ReleasingADestinationLeavesWhatMayHaveBeenAppliedToTheOperator) {
  auto a =
      plan_new(*store, now(),
               {make_delivery("crm", 1), make_delivery("crm", 2), make_delivery("mail", 3), make_delivery("crm", 4)});
  end(a[0], DeliveryState::held, 0ms, OutcomeClass::disable);
  end(a[1], DeliveryState::held, 0ms, OutcomeClass::ambiguous);
  end(a[2], DeliveryState::held, 0ms, OutcomeClass::disable);
  auto released = wait<std::size_t>([&](auto done) { store->release_held("crm", now(), done); });
  EXPECT_EQ(*released, 1u);
  EXPECT_EQ(at(a[0]).state, DeliveryState::pending);
  EXPECT_EQ(at(a[1]).state, DeliveryState::held);
  EXPECT_EQ(at(a[2]).state, DeliveryState::held);
  EXPECT_EQ(*wait<std::size_t>([&](auto done) { store->release_held("nobody", now(), done); }), 0u);
  EXPECT_EQ(*retry(*store, {a[1]}, now()), 1u);
  expect_counters_right(*reader);
}

TEST_P(Deliveries, ARetriedDeadLetterGoesToItsLanesEndWithItsId) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 1)});
  const auto id = at(a[0]).id;
  ASSERT_TRUE(*end(a[0], DeliveryState::dead, 0ms, OutcomeClass::reject));
  clock.advance(1h);
  EXPECT_EQ(*retry(*store, {a[0], a[1], 4711}, now()), 1u) << "a pending one is due already, an unknown one is nothing";
  auto d = at(a[0]);
  EXPECT_EQ(d.id, id);
  EXPECT_EQ(d.state, DeliveryState::pending);
  EXPECT_EQ(d.attempts, 0);
  EXPECT_EQ(d.first_pending_at, now());
  EXPECT_EQ(d.reason, "");
  EXPECT_FALSE(d.finished_at);
  EXPECT_EQ(due_now(), (Seqs{a[1]}));
  ASSERT_TRUE(*end(a[1], DeliveryState::delivered));
  EXPECT_EQ(due_now(), (Seqs{a[0]}));
  ASSERT_TRUE(*end(a[0], DeliveryState::delivered));
  EXPECT_EQ(reader->attempts(a[0])->size(), 2u);
  expect_counters_right(*reader);
}

TEST_P(Deliveries, ACancelledDeliveryReleasesItsLaneAndALateOutcomeIsOnlyNoted) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 1)});
  EXPECT_EQ(*cancel(*store, {a[0], 4711}, now()), 1u);
  EXPECT_EQ(*cancel(*store, {a[0]}, now()), 0u);
  EXPECT_EQ(due_now(), (Seqs{a[1]}));
  EXPECT_EQ(at(a[0]).state, DeliveryState::cancelled);
  EXPECT_EQ(at(a[0]).reason, "not wanted");
  auto late = end(a[0], DeliveryState::delivered);
  ASSERT_TRUE(late);
  EXPECT_FALSE(*late);
  EXPECT_EQ(at(a[0]).state, DeliveryState::cancelled);
  EXPECT_EQ(reader->attempts(a[0])->size(), 1u);
  EXPECT_FALSE(*end(4711, DeliveryState::delivered));
  EXPECT_EQ(*cancel(*store, {a[1]}, now()), 1u);
  EXPECT_EQ(due_now(), Seqs{});
  expect_counters_right(*reader);
}

TEST_P(Deliveries, CancellingInTheMiddleOfALaneKeepsItsOrder) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 1), make_delivery("crm", 1)});
  cancel(*store, {a[1]}, now());
  EXPECT_EQ(due_now(), (Seqs{a[0]}));
  end(a[0], DeliveryState::delivered);
  EXPECT_EQ(due_now(), (Seqs{a[2]}));
}

TEST_P(Deliveries, AttemptsAreKeptInOrderAndUnchargedOnesDoNotCount) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1)});
  auto throttled = attempt(a[0], DeliveryState::pending, now(), now() + 5s, OutcomeClass::throttle);
  throttled.charged = false;
  throttled.status = 429;
  throttled.response = "slow down";
  ASSERT_TRUE(*record(*store, throttled));
  EXPECT_EQ(at(a[0]).attempts, 0);
  EXPECT_EQ(due_now(), Seqs{});
  end(a[0], DeliveryState::deferred, 1s, OutcomeClass::retry);
  auto attempts = *reader->attempts(a[0]);
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(attempts[0].number, 1);
  EXPECT_EQ(attempts[0].outcome, "throttle");
  EXPECT_EQ(attempts[0].status, 429);
  EXPECT_EQ(attempts[0].response, "slow down");
  EXPECT_EQ(attempts[0].took, 5ms);
  EXPECT_EQ(attempts[1].outcome, "retry");
  EXPECT_EQ(at(a[0]).attempts, 1);
  for (int i = 0; i < 250; ++i) ASSERT_TRUE(*record(*store, throttled));
  attempts = *reader->attempts(a[0]);
  EXPECT_EQ(attempts.size(), 200u) << "Limit";
  EXPECT_EQ(attempts.back().number, 252);
}

TEST_P(Deliveries, AReplayMakesNewDeliveriesAtTheEndOfTheirLanes) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1)});
  auto event = at(a[0]).event.seq;
  auto replay = [&](EventSeq of, bool same_id, std::vector<NewDelivery> deliveries) {
    return wait<Seqs>([&](auto done) { store->replay(of, deliveries, same_id, now(), done); });
  };
  auto fresh = replay(event, false, {make_delivery("crm", 1), make_delivery("mail", 2)});
  ASSERT_TRUE(fresh);
  ASSERT_EQ(fresh->size(), 2u);
  EXPECT_NE(at((*fresh)[0]).id, at(a[0]).id);
  EXPECT_EQ(due_now(), (Seqs{a[0]}));
  ASSERT_TRUE(*end(a[0], DeliveryState::delivered));
  EXPECT_EQ(due_now(), (Seqs{(*fresh)[0]}));
  EXPECT_EQ(replay(event + 9, false, {make_delivery("crm", 1)}).error().kind, ErrorKind::not_found);
  auto waiting = append(*store, make_event("{}", now()))->seq;
  EXPECT_EQ(replay(waiting, false, {make_delivery("crm", 1)}).error().kind, ErrorKind::conflict);
  expect_counters_right(*reader);
}

TEST_P(Deliveries, AReplayWithTheSameIdOpensWhatIsClosedAgain) {
  auto a = plan_new(*store, now(),
                    {make_delivery("crm", 1, "r", "{\"old\":1}"), make_delivery("crm", 1, "r", "{\"twin\":1}"),
                     make_delivery("mail", 2)});
  auto event = at(a[0]).event.seq;
  const auto id = at(a[0]).id;
  end(a[0], DeliveryState::dead);
  end(a[1], DeliveryState::delivered);
  auto again = wait<Seqs>([&](auto done) {
    store->replay(event,
                  {make_delivery("crm", 1, "r", "{\"new\":1}"), make_delivery("crm", 1), make_delivery("mail", 2),
                   make_delivery("chat", 3)},
                  true, now(), done);
  });
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), 3u) << "mail is on its way already";
  EXPECT_EQ((*again)[0], a[0]);
  EXPECT_EQ((*again)[1], a[1]);
  EXPECT_EQ(at(a[0]).id, id);
  EXPECT_EQ(at(a[0]).payload, "{\"new\":1}");
  EXPECT_EQ(due_now(), (Seqs{a[0]}));
  EXPECT_EQ(at((*again)[2]).destination, "chat");
  expect_counters_right(*reader);
}

TEST_P(Deliveries, DeliveriesAreListedByEveryFilter) {
  Seqs all;
  std::vector<EventSeq> events;
  for (int i = 0; i < 8; ++i) {
    auto seqs =
        plan_new(*store, now(), {make_delivery(i % 2 ? "crm" : "mail", static_cast<LaneId>(i), i < 4 ? "a" : "b")},
                 i == 3 ? "c3" : "other");
    all.push_back(seqs[0]);
    events.push_back(at(seqs[0]).event.seq);
    clock.advance(1h);
  }
  end(all[0], DeliveryState::dead);
  end(all[1], DeliveryState::dead);
  end(all[2], DeliveryState::delivered);
  end(all[3], DeliveryState::held);
  cancel(*store, {all[5]}, now());
  auto list = [&](auto&& set) {
    DeliveryFilter filter;
    set(filter);
    std::vector<std::size_t> found;
    for (const auto& d : *reader->list_deliveries(filter))
      found.push_back(static_cast<std::size_t>(std::find(all.begin(), all.end(), d.seq) - all.begin()));
    return found;
  };
  using V = std::vector<std::size_t>;
  using S = DeliveryState;
  EXPECT_EQ(list([](auto&) {}), (V{7, 6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(list([](auto& f) { f.destination = "crm"; }), (V{7, 5, 3, 1}));
  EXPECT_EQ(list([](auto& f) { f.destination = "crm", f.page.limit = 2; }), (V{7, 5}));
  EXPECT_EQ(list([](auto& f) { f.states = {S::dead}; }), (V{1, 0}));
  EXPECT_EQ(list([](auto& f) { f.states = {S::dead}, f.page.limit = 1; }), (V{1}));
  EXPECT_EQ(list([](auto& f) { f.states = {S::dead}, f.destination = "mail"; }), (V{0}));
  EXPECT_EQ(list([](auto& f) { f.states = {S::held}; }), (V{3}));
  EXPECT_EQ(list([](auto& f) { f.states = {S::held, S::dead}; }), (V{3, 1, 0}));
  EXPECT_EQ(list([](auto& f) { f.states = {S::pending, S::held}, f.destination = "crm"; }), (V{7, 3}));
  EXPECT_EQ(list([](auto& f) { f.states = {S::delivered, S::cancelled}; }), (V{5, 2}));
  EXPECT_EQ(list([](auto& f) { f.rule = "a"; }), (V{3, 2, 1, 0}));
  EXPECT_EQ(list([](auto& f) { f.rule = "a", f.states = {S::dead}, f.destination = "crm"; }), (V{1}));
  EXPECT_EQ(list([&](auto& f) { f.event = events[4]; }), (V{4}));
  EXPECT_EQ(list([](auto& f) { f.chat = std::pair<std::string, std::string>("livechat", "c3"); }), (V{3}));
  EXPECT_EQ(
      list([](auto& f) { f.chat = std::pair<std::string, std::string>("livechat", "other"), f.destination = "mail"; }),
      (V{6, 4, 2, 0}));
  EXPECT_EQ(list([](auto& f) { f.chat = std::pair<std::string, std::string>("site", "c3"); }), (V{}));
  EXPECT_EQ(list([&](auto& f) { f.since = now() - 3h; }), (V{7, 6, 5}));
  EXPECT_EQ(list([&](auto& f) { f.until = now() - 7h, f.states = {S::dead}; }), (V{1, 0}));
  EXPECT_EQ(list([&](auto& f) { f.page.limit = 3, f.page.before = all[6]; }), (V{5, 4, 3}));
}

TEST_P(Deliveries, WhatARoomRemembersIsKeptAsAWhole) {
  EXPECT_FALSE(*reader->remembered("presence"));
  ASSERT_TRUE(wait<bool>([&](auto done) { store->remember("presence", {{"all", true}, {"text", "ä"}}, done); }));
  ASSERT_TRUE(wait<bool>([&](auto done) { store->remember("other", 1, done); }));
  EXPECT_EQ(*reader->remembered("presence"), json::value({{"all", true}, {"text", "ä"}}));
  ASSERT_TRUE(wait<bool>([&](auto done) { store->remember("presence", json::object{}, done); }));
  EXPECT_EQ(*reader->remembered("presence"), json::value(json::object{}));
  EXPECT_FALSE(*reader->remembered("Presence"));
}

TEST_P(Deliveries, StatesOfDestinationsAreKept) {
  DestinationState s;
  s.name = "crm";
  s.paused = true;
  s.reason = "by hand";
  s.changed_at = now();
  s.circuit_failures = 3;
  s.circuit_open_until = now() + 1h;
  ASSERT_TRUE(wait<bool>([&](auto done) { store->save_destination(s, done); }));
  s.paused = false;
  s.disabled = true;
  s.throttled_until = now() + 2h;
  s.circuit_open_until.reset();
  ASSERT_TRUE(wait<bool>([&](auto done) { store->save_destination(s, done); }));
  auto states = *reader->destination_states();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_FALSE(states[0].paused);
  EXPECT_TRUE(states[0].disabled);
  EXPECT_EQ(states[0].reason, "by hand");
  EXPECT_EQ(states[0].circuit_failures, 3);
  EXPECT_FALSE(states[0].circuit_open_until);
  EXPECT_EQ(states[0].throttled_until, now() + 2h);
  EXPECT_EQ(states[0].changed_at, now());
}

TEST_P(Deliveries, RetentionRemovesWhatIsOldAndNothingThatWaits) {
  auto waiting = append(*store, make_event("waiting", now()))->seq;
  auto open = plan_new(*store, now(), {make_delivery("crm", 1)});
  auto held = plan_new(*store, now(), {make_delivery("crm", 2)});
  end(held[0], DeliveryState::held);
  Seqs closed;
  std::vector<EventSeq> old_events;
  for (int i = 0; i < 30; ++i) {
    auto seq = append(*store, make_event("old", now()))->seq;
    old_events.push_back(seq);
    auto plan = make_plan(seq, "c" + std::to_string(i), {make_delivery("crm", static_cast<LaneId>(100 + i))}, now());
    plan.failures.push_back({0, "r", "f:1", "why"});
    ConversationUpdate u;
    u.source = "livechat";
    u.chat_id = "c" + std::to_string(i);
    u.state = json::object{};
    u.active_at = now();
    StoredMessage m;
    m.id = "m";
    m.event = seq;
    m.message = json::object{{"text", "x"}};
    u.messages = {m};
    plan.conversation = u;
    closed.push_back((*apply(*store, plan))[0]);
    end(closed.back(), DeliveryState::delivered);
  }
  clock.advance(48h);
  auto late = plan_new(*store, now(), {make_delivery("crm", 1000)}, "young");
  end(late[0], DeliveryState::delivered);
  clock.advance(1h);
  const auto before = now() - 24h;
  int steps = 0;
  Store::RetentionLimits limits{before, before, before};
  while (*wait<bool>([&](auto done) { store->prune(limits, 7, done); })) ASSERT_LT(++steps, 1000);
  EXPECT_GT(steps, 5) << "in small steps";
  EXPECT_TRUE(*reader->event(waiting));
  EXPECT_TRUE(*reader->delivery(open[0]));
  EXPECT_TRUE(*reader->event(at(open[0]).event.seq));
  EXPECT_TRUE(*reader->event(at(held[0]).event.seq));
  EXPECT_TRUE(*reader->delivery(late[0]));
  EXPECT_TRUE(*reader->event(at(late[0]).event.seq));
  for (auto seq : closed) {
    EXPECT_FALSE(*reader->delivery(seq));
    EXPECT_TRUE(reader->attempts(seq)->empty());
  }
  for (auto seq : old_events) {
    EXPECT_FALSE(*reader->event(seq));
    EXPECT_TRUE(reader->failures(seq)->empty());
    EXPECT_TRUE(reader->parts(seq)->empty());
  }
  EXPECT_FALSE(*reader->conversation("livechat", "c3"));
  EXPECT_TRUE(reader->messages("livechat", "c3", "", 0)->empty());
  EXPECT_EQ(reader->totals()->events, 4u);
  expect_counters_right(*reader);
}

TEST_P(Deliveries, NumbersAreNotGivenTwiceAfterRetentionTookTheLast) {
  auto a = plan_new(*store, now(), {make_delivery("crm", 1)});
  const auto event = at(a[0]).event.seq;
  end(a[0], DeliveryState::delivered);
  clock.advance(48h);
  Store::RetentionLimits limits{now(), now(), now()};
  while (*wait<bool>([&](auto done) { store->prune(limits, 100, done); })) {
  }
  ASSERT_EQ(reader->totals()->events, 0u);
  if (GetParam().name == "sqlite") reopen();
  auto b = plan_new(*store, now(), {make_delivery("crm", 1)});
  EXPECT_GT(b[0], a[0]);
  EXPECT_GT(at(b[0]).event.seq, event);
}

// A model of lanes, and random operations: heads, orders and counters must always agree with it.
TEST_P(Deliveries, AfterAnySequenceOfOperationsLanesAndCountersAreRight) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    reopen();
    std::mt19937 random(seed);
    auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    std::map<LaneId, Seqs> lanes;  // the model: open ones in order
    std::map<DeliverySeq, LaneId> lane_of_delivery;
    std::set<DeliverySeq> held, deferred;
    Seqs known;
    const LaneId base = seed * 1000;
    auto drop = [&](DeliverySeq seq) {
      auto& lane = lanes[lane_of_delivery[seq]];
      lane.erase(std::remove(lane.begin(), lane.end(), seq), lane.end());
      held.erase(seq), deferred.erase(seq);
    };
    auto open = [&](DeliverySeq seq) {
      auto& lane = lanes[lane_of_delivery[seq]];
      return std::find(lane.begin(), lane.end(), seq) != lane.end();
    };
    for (int i = 0; i < 250; ++i) {
      clock.advance(1s);
      const auto what = known.empty() ? 0 : pick(10);
      const auto seq = known.empty() ? 0 : known[pick(known.size())];
      if (what <= 2) {
        std::vector<NewDelivery> fresh;
        for (std::size_t n = 0; n <= pick(3); ++n)
          fresh.push_back(make_delivery("d" + std::to_string(seed), base + pick(5)));
        auto seqs = plan_new(*store, now(), fresh);
        for (std::size_t n = 0; n < seqs.size(); ++n) {
          lanes[fresh[n].lane].push_back(seqs[n]);
          lane_of_delivery[seqs[n]] = fresh[n].lane;
          known.push_back(seqs[n]);
        }
      } else if (what <= 4) {
        ASSERT_EQ(*end(seq, what == 3 ? DeliveryState::delivered : DeliveryState::dead), open(seq));
        drop(seq);
      } else if (what == 5) {
        const bool was = open(seq);
        ASSERT_EQ(*end(seq, DeliveryState::deferred, 1h), was);
        if (was) deferred.insert(seq), held.erase(seq);
      } else if (what == 6) {
        const bool was = open(seq);
        ASSERT_EQ(*end(seq, DeliveryState::held), was);
        if (was) held.insert(seq), deferred.erase(seq);
      } else if (what == 7) {
        ASSERT_EQ(*cancel(*store, {seq}, now()) == 1, open(seq));
        drop(seq);
      } else {
        if (!open(seq)) lanes[lane_of_delivery[seq]].push_back(seq);
        retry(*store, {seq}, now());
        held.erase(seq), deferred.erase(seq);
      }
      std::set<DeliverySeq> expected;
      for (const auto& [lane, open_ones] : lanes)
        if (!open_ones.empty() && !held.count(open_ones[0]) && !deferred.count(open_ones[0]))
          expected.insert(open_ones[0]);
      auto heads = due(*reader, "d" + std::to_string(seed), now());
      ASSERT_EQ(std::set<DeliverySeq>(heads.begin(), heads.end()), expected) << "seed " << seed << " step " << i;
      ASSERT_EQ(heads.size(), expected.size());
    }
    expect_counters_right(*reader);
    if (GetParam().name == "sqlite") {
      reopen();
      expect_counters_right(*reader);
    }
  }
}

}  // namespace
}  // namespace chatrelay::store::contract
