// The Store contract: events, de-duplication, planning, conversations.
#include <atomic>
#include <thread>

#include "common/ids.hpp"
#include "contract/store/store_contract.hpp"
#include "unit/store/backends.hpp"

namespace chatrelay::store::contract {
namespace {

using namespace std::chrono_literals;

class Events : public StoreContract {};
INSTANTIATE_TEST_SUITE_P(Stores, Events, testing::ValuesIn(backends()), backend_name);

TEST_P(Events, AnAppendedEventIsReadBackAsItCame) {
  auto event = make_event(std::string("{\"a\":\"\\ud800\"}\0x", 16), now(), "site");
  event.content_type = "text/plain";
  auto appended = append(*store, event);
  ASSERT_TRUE(appended);
  EXPECT_FALSE(appended->duplicate);
  auto read = reader->event(appended->seq);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->body, event.body);
  EXPECT_EQ((*read)->content_type, "text/plain");
  EXPECT_EQ((*read)->source, "site");
  EXPECT_EQ((*read)->received_at, now());
  EXPECT_FALSE(*reader->event(appended->seq + 1));
  EXPECT_EQ(*reader->last_received("site"), now());
  EXPECT_FALSE(*reader->last_received("nobody"));
}

TEST_P(Events, AnEventIsFoundByTheIdOfEachOfItsPartsAndNotByAForgedOne) {
  auto seq = append(*store, make_event("{}", now()))->seq;
  auto event = **reader->event(seq);
  for (std::uint32_t part : {0u, 1u, 7u, 1023u}) {
    auto found = reader->find_event(event_id(event, part));
    ASSERT_TRUE(found && *found) << part;
    EXPECT_EQ((*found)->seq, seq);
  }
  EXPECT_NE(event_id(event, 0), event_id(event, 1));
  EXPECT_EQ(event_id(event, 0), event.id);
  auto forged = *decode_ulid(event.id);
  forged.salt ^= 0x00010203;
  EXPECT_FALSE(*reader->find_event(encode_ulid(forged)));
  auto moved = *decode_ulid(event.id);
  moved.time += 1ms;
  EXPECT_FALSE(*reader->find_event(encode_ulid(moved)));
  EXPECT_FALSE(*reader->find_event("not an id"));
  EXPECT_FALSE(*reader->find_event(""));
}

TEST_P(Events, ADuplicateWithinItsWindowIsAnsweredAndNotStored) {
  EXPECT_FALSE(append_once(*store, "1", now(), key(1), 2min)->duplicate);
  auto again = append_once(*store, "1", now(), key(1), 2min);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->seq, 0u);
  EXPECT_FALSE(append_once(*store, "2", now(), key(2), 2min)->duplicate);
  clock.advance(2min - 1ms);
  EXPECT_TRUE(append_once(*store, "1", now(), key(1), 2min)->duplicate);
  clock.advance(1ms);
  EXPECT_FALSE(append_once(*store, "1", now(), key(1), 2min)->duplicate);
  EXPECT_TRUE(append_once(*store, "1", now(), key(1), 2min)->duplicate);
  EXPECT_EQ(reader->totals()->events, 3u);
}

TEST_P(Events, AWallClockThatJumpsWhileRunningDropsNothingAndForgetsNothing) {
  append_once(*store, "1", now(), key(1), 2min);
  clock.jump_wall(-3h);
  EXPECT_TRUE(append_once(*store, "1", now(), key(1), 2min)->duplicate);
  clock.jump_wall(48h);
  EXPECT_TRUE(append_once(*store, "1", now(), key(1), 2min)->duplicate);
  clock.advance(2min);
  EXPECT_FALSE(append_once(*store, "1", now(), key(1), 2min)->duplicate);
}

TEST_P(Events, AnEventWithoutAKeyIsKeptEachTime) {
  EXPECT_FALSE(append(*store, make_event("same", now()))->duplicate);
  EXPECT_FALSE(append(*store, make_event("same", now()))->duplicate);
  EXPECT_EQ(reader->totals()->events, 2u);
}

TEST_P(Events, OfManyWithTheSameKeyAtOnceExactlyOneIsStored) {
  std::atomic<int> fresh{0}, duplicates{0}, left{400};
  std::promise<void> all;
  for (int i = 0; i < 400; ++i) {
    auto event = make_event("x", now());
    event.dedup = key(static_cast<std::uint64_t>(i % 10));
    event.dedup_window = 1h;
    store->append(std::move(event), [&](Result<Appended> r) {
      ASSERT_TRUE(r);
      (r->duplicate ? duplicates : fresh)++;
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().get();
  EXPECT_EQ(fresh, 10);
  EXPECT_EQ(duplicates, 390);
  EXPECT_EQ(reader->totals()->events, 10u);
}

TEST_P(Events, KeysAreStillKnownAfterManyOthersAndForgottenWhenTheirTimeIsOver) {
  // More than a bucket several times over (the SQLite backend of this suite seals at 50).
  for (std::uint64_t i = 0; i < 400; ++i)
    ASSERT_FALSE(append_once(*store, "x", now(), key(i), i % 2 ? 24h : 2min)->duplicate) << i;
  for (std::uint64_t i = 0; i < 400; ++i) ASSERT_TRUE(append_once(*store, "x", now(), key(i), 24h)->duplicate) << i;
  clock.advance(2min);
  for (std::uint64_t i = 1000; i < 1200; ++i) ASSERT_FALSE(append_once(*store, "x", now(), key(i), 24h)->duplicate);
  for (std::uint64_t i = 0; i < 400; ++i)
    ASSERT_EQ(append_once(*store, "x", now(), key(i), 2min)->duplicate, i % 2 == 1) << i;
  clock.advance(24h);
  for (std::uint64_t i = 0; i < 400; ++i) ASSERT_FALSE(append_once(*store, "x", now(), key(i), 24h)->duplicate) << i;
}

TEST_P(Events, CallbacksComeInTheOrderOfTheAppendsAndSeqsGrow) {
  std::vector<EventSeq> seqs;
  std::promise<void> all;
  for (int i = 0; i < 1000; ++i)
    store->append(make_event(std::to_string(i), now()), [&, i](Result<Appended> r) {
      seqs.push_back(r->seq);
      if (i == 999) all.set_value();
    });
  all.get_future().get();
  ASSERT_EQ(seqs.size(), 1000u);
  for (std::size_t i = 0; i < seqs.size(); ++i) {
    if (i > 0) {
      ASSERT_LT(seqs[i - 1], seqs[i]);
    }
    ASSERT_EQ((*reader->event(seqs[i]))->body, std::to_string(i));
  }
}

TEST_P(Events, WaitingWebhooksAreListedOldestFirstUntilTheyArePlanned) {
  std::vector<EventSeq> seqs;
  for (int i = 0; i < 5; ++i) seqs.push_back(append(*store, make_event(std::to_string(i), now()))->seq);
  auto waiting = *reader->unplanned(0, 3);
  ASSERT_EQ(waiting.size(), 3u);
  EXPECT_EQ(waiting[0].body, "0");
  EXPECT_EQ(waiting[2].body, "2");
  EXPECT_EQ(reader->unplanned(seqs[2], 10)->size(), 2u);
  apply(*store, make_plan(seqs[1], "c", {}, now()));
  waiting = *reader->unplanned(0, 10);
  ASSERT_EQ(waiting.size(), 4u);
  EXPECT_EQ(waiting[1].seq, seqs[2]);
  EXPECT_EQ(reader->totals()->unplanned, 4u);
}

TEST_P(Events, AWebhookIsPlannedOnce) {
  auto seq = append(*store, make_event("{}", now()))->seq;
  auto plan = make_plan(seq, "c", {make_delivery("crm", 1)}, now());
  EXPECT_EQ(apply(*store, plan)->size(), 1u);
  EXPECT_TRUE(apply(*store, plan)->empty());
  EXPECT_TRUE(apply(*store, make_plan(seq + 100, "c", {make_delivery("crm", 1)}, now()))->empty());
  EXPECT_EQ(reader->totals()->open_deliveries, 1u);
}

TEST_P(Events, PartsAndFailuresAreKeptWithTheEvent) {
  auto seq = append(*store, make_event("{}", now()))->seq;
  auto plan = make_plan(seq, "c", {}, now());
  PlannedPart rated;
  rated.part = 1;
  rated.type = "chat_rated";
  rated.chat_id = "c";
  rated.suppressed = true;
  plan.parts.push_back(rated);
  plan.failures.push_back({0, "to_crm", "rules/a.yaml:12", "cannot index number"});
  plan.failures.push_back({0, "to_mail", "rules/a.yaml:20", "null has no keys"});
  ASSERT_TRUE(apply(*store, plan));
  auto parts = *reader->parts(seq);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].type, "incoming_event");
  EXPECT_EQ(parts[0].thread_id, "T1");
  EXPECT_EQ(parts[1].chat_id, "c");
  EXPECT_TRUE(parts[1].suppressed);
  auto failures = *reader->failures(seq);
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[1].rule, "to_mail");
  EXPECT_EQ(failures[0].where, "rules/a.yaml:12");
  EventFilter filter;
  filter.type = "chat_rated";
  EXPECT_TRUE(reader->list_events(filter)->empty()) << "a suppressed part is not an event";
}

TEST_P(Events, EventsAreListedNewestFirstByEveryFilter) {
  std::vector<EventSeq> seqs;
  for (int i = 0; i < 12; ++i) {
    seqs.push_back(append(*store, make_event("{}", now(), i % 3 ? "livechat" : "site"))->seq);
    auto plan = make_plan(seqs.back(), i % 2 ? "odd" : "even", {make_delivery("crm", static_cast<LaneId>(i))}, now());
    if (i == 4) plan.failures.push_back({0, "r", "f:1", "why"});
    if (i == 5) plan.parts[0].type = "chat_rated";
    if (i != 11) {
      ASSERT_TRUE(apply(*store, plan));
    }
    clock.advance(30min);
  }
  auto list = [&](auto&& set) {
    EventFilter filter;
    set(filter);
    std::vector<std::size_t> found;
    for (const auto& row : *reader->list_events(filter)) {
      EXPECT_TRUE(row.event.body.empty());
      found.push_back(static_cast<std::size_t>(std::find(seqs.begin(), seqs.end(), row.event.seq) - seqs.begin()));
    }
    return found;
  };
  using V = std::vector<std::size_t>;
  EXPECT_EQ(list([](auto&) {}), (V{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(list([](auto& f) { f.source = "site"; }), (V{9, 6, 3, 0}));
  EXPECT_EQ(list([](auto& f) { f.chat_id = "odd"; }), (V{9, 7, 5, 3, 1}));
  EXPECT_EQ(list([](auto& f) { f.chat_id = "odd", f.source = "site"; }), (V{9, 3}));
  EXPECT_EQ(list([](auto& f) { f.type = "chat_rated"; }), (V{5}));
  EXPECT_EQ(list([](auto& f) { f.type = "never_seen"; }), (V{}));
  EXPECT_EQ(list([](auto& f) { f.failures_only = true; }), (V{4}));
  EXPECT_EQ(list([&](auto& f) { f.since = now() - 90min; }), (V{11, 10, 9}));
  EXPECT_EQ(list([&](auto& f) { f.until = now() - 300min; }), (V{2, 1, 0}));
  EXPECT_EQ(list([&](auto& f) { f.since = now() - 24h * 9, f.until = now() - 24h * 8; }), (V{}));
  EXPECT_EQ(list([&](auto& f) { f.page.limit = 2, f.page.before = seqs[5]; }), (V{4, 3}));
  EXPECT_EQ(list([&](auto& f) { f.page.limit = 2, f.page.before = seqs[6], f.source = "site"; }), (V{3, 0}));
  EventFilter one;
  one.page.limit = 1;
  EXPECT_TRUE((*reader->list_events(one))[0].parts.empty()) << "the newest waits to be planned";
  one.page.before = seqs[5];
  EXPECT_EQ((*reader->list_events(one))[0].failures, 1u);
  EXPECT_EQ((*reader->list_events(one))[0].deliveries, 1u);
}

TEST_P(Events, AClockThatWentBackHidesNoEventFromAListingByTime) {
  auto first = append(*store, make_event("{}", now()))->seq;
  clock.jump_wall(-48h);
  auto second = append(*store, make_event("{}", now()))->seq;
  EventFilter filter;
  filter.until = now();
  ASSERT_EQ(reader->list_events(filter)->size(), 1u);
  EXPECT_EQ((*reader->list_events(filter))[0].event.seq, second);
  filter.until.reset();
  filter.since = now() + 47h;
  ASSERT_EQ(reader->list_events(filter)->size(), 1u);
  EXPECT_EQ((*reader->list_events(filter))[0].event.seq, first);
}

StoredMessage message(const std::string& id, EventSeq event, const std::string& text,
                      const std::string& thread = "T1") {
  StoredMessage m;
  m.id = id;
  m.thread_id = thread;
  m.event = event;
  m.message = {{"id", id}, {"text", text}};
  return m;
}

ConversationUpdate update(const std::string& chat_id, WallTime at, std::vector<StoredMessage> messages) {
  ConversationUpdate u;
  u.source = "livechat";
  u.chat_id = chat_id;
  u.state = {{"chat", {{"id", chat_id}}}, {"n", messages.size()}};
  u.visitor_id = "v-" + chat_id;
  u.visitor_name = "Ada " + chat_id;
  u.visitor_email = "Ada@Example.com";
  u.status = "active";
  u.thread_id = "T1";
  u.started_at = at;
  u.active_at = at;
  u.messages = std::move(messages);
  return u;
}

TEST_P(Events, AConversationIsKeptWithItsMessagesById) {
  EXPECT_FALSE(*reader->conversation("livechat", "c1"));
  auto seq = append(*store, make_event("{}", now()))->seq;
  auto plan = make_plan(seq, "c1", {}, now());
  plan.conversation = update("c1", now(), {message("m1", seq, "hello"), message("m2", seq, "there")});
  ASSERT_TRUE(apply(*store, plan));
  auto read = reader->conversation("livechat", "c1");
  ASSERT_TRUE(read && *read);
  EXPECT_NE((*read)->pk, 0u);
  EXPECT_EQ((*read)->state, plan.conversation->state);
  EXPECT_FALSE(*reader->conversation("site", "c1"));
  auto second = append(*store, make_event("{}", now()))->seq;
  auto again = make_plan(second, "c1", {}, now());
  again.conversation = update(
      "c1", now(),
      {message("m2", second, "there"), message("m3", second, "again", "T2"), message("", second, "no id", "T2")});
  ASSERT_TRUE(apply(*store, again));
  auto all = *reader->messages("livechat", "c1", "", 0);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[1].id, "m2");
  EXPECT_EQ(all[1].event, seq) << "the webhook it came with first";
  EXPECT_EQ(all[3].id, "event:" + std::to_string(second) + ":2");
  EXPECT_EQ(reader->messages("livechat", "c1", "T2", 0)->size(), 2u);
  EXPECT_EQ(reader->messages("livechat", "c1", "", seq)->size(), 2u);
  EXPECT_TRUE(reader->messages("livechat", "other", "", 0)->empty());
  ChatFilter filter;
  auto rows = *reader->list_chats(filter);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].messages, 4u);
}

TEST_P(Events, AMessageIsReadAsItWasAsOfAnEarlierEvent) {
  std::vector<EventSeq> seqs;
  auto fold = [&](StoredMessage m) {
    seqs.push_back(append(*store, make_event("{}", now()))->seq);
    if (m.event == 0)
      m.event = seqs.back();
    else
      m.changed_by = seqs.back();
    auto plan = make_plan(seqs.back(), "c", {}, now());
    plan.conversation = update("c", now(), {m});
    ASSERT_TRUE(apply(*store, plan));
  };
  fold(message("m", 0, "first"));
  fold(message("m", seqs[0], "second"));
  fold(message("other", 0, "between"));
  auto deleted = message("m", seqs[0], "");
  deleted.deleted = true;
  fold(deleted);
  auto text_at = [&](EventSeq upto) { return (*reader->messages("livechat", "c", "", upto))[0]; };
  EXPECT_EQ(text_at(seqs[0]).message.at("text"), "first");
  EXPECT_EQ(text_at(seqs[1]).message.at("text"), "second");
  EXPECT_EQ(text_at(seqs[2]).message.at("text"), "second");
  EXPECT_FALSE(text_at(seqs[2]).deleted);
  EXPECT_TRUE(text_at(seqs[3]).deleted);
  EXPECT_TRUE(text_at(0).deleted);
  EXPECT_EQ(text_at(0).changed_by, seqs[3]);
}

TEST_P(Events, TheWebhooksOfAChatAreReadOldestFirstUpToOne) {
  std::vector<EventSeq> seqs;
  for (int i = 0; i < 6; ++i) {
    seqs.push_back(append(*store, make_event(std::to_string(i), now()))->seq);
    ASSERT_TRUE(apply(*store, make_plan(seqs.back(), i % 2 ? "odd" : "even", {}, now())));
  }
  auto events = *reader->events_of_chat("livechat", "even", seqs[4]);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].body, "0");
  EXPECT_EQ(events[2].body, "4");
  EXPECT_EQ(reader->events_of_chat("livechat", "even", seqs[3])->size(), 2u);
  EXPECT_TRUE(reader->events_of_chat("site", "even", seqs[4])->empty());
}

TEST_P(Events, ChatsAreListedByVisitorStateAndTime) {
  for (int i = 0; i < 6; ++i) {
    auto seq = append(*store, make_event("{}", now()))->seq;
    auto id = "c" + std::to_string(i);
    auto plan = make_plan(seq, id, {}, now());
    plan.conversation = update(id, now(), {});
    if (i == 2) plan.conversation->status = "closed";
    if (i == 3) plan.conversation->visitor_email = "zoe@other.org";
    ASSERT_TRUE(apply(*store, plan));
    clock.advance(1h);
  }
  auto list = [&](auto&& set) {
    ChatFilter filter;
    set(filter);
    std::string found;
    for (const auto& row : *reader->list_chats(filter)) found += row.chat_id;
    return found;
  };
  EXPECT_EQ(list([](auto&) {}), "c5c4c3c2c1c0");
  EXPECT_EQ(list([](auto& f) { f.visitor = "v-c4"; }), "c4");
  EXPECT_EQ(list([](auto& f) { f.visitor = "ADA C1"; }), "c1");
  EXPECT_EQ(list([](auto& f) { f.visitor = "@other"; }), "c3");
  EXPECT_EQ(list([](auto& f) { f.visitor = "example.COM", f.page.limit = 2; }), "c5c4");
  EXPECT_EQ(list([](auto& f) { f.state = "closed"; }), "c2");
  EXPECT_EQ(list([](auto& f) { f.chat_id = "c1"; }), "c1");
  EXPECT_EQ(list([](auto& f) { f.chat_id = "c1", f.source = "site"; }), "");
  EXPECT_EQ(list([&](auto& f) { f.since = now() - 2h; }), "c5c4");
  EXPECT_EQ(list([&](auto& f) { f.until = now() - 5h; }), "c1c0");
  std::string silent;  // open, and nothing came for more than two hours
  for (const auto& row : *reader->silent_chats(now() - 2h, 0, 10)) silent += row.chat_id;
  EXPECT_EQ(silent, "c0c1c3") << "c2 is closed";
  const auto first = *reader->silent_chats(now(), 0, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ((*reader->silent_chats(now(), first.back().pk, 2))[0].chat_id, "c3");
  ChatFilter two;
  two.page.limit = 2;
  two.page.before = reader->list_chats(two)->back().pk;
  EXPECT_EQ((*reader->list_chats(two))[0].chat_id, "c3");
}

TEST_P(Events, WhatIsOverTheQueueLimitIsRefusedUntilThereIsRoom) {
  reopen(4);
  auto a = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 2), make_delivery("crm", 3)});
  EXPECT_TRUE(append(*store, make_event("{}", now())));
  auto refused = append(*store, make_event("{}", now()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(*record(*store, attempt(a[0], DeliveryState::delivered, now())));
  EXPECT_TRUE(append(*store, make_event("{}", now())));
  EXPECT_FALSE(append(*store, make_event("{}", now())));
}

TEST_P(Events, DoorbellsRingAfterWhatTheyAnnounceIsVisible) {
  store.reset();
  store = GetParam().make(directory, clock, metrics, 0);
  auto own = store->open_reader();
  std::promise<std::size_t> events, deliveries;
  std::atomic<int> event_rings{0}, delivery_rings{0};
  store->on_events([&] {
    if (event_rings++ == 0) events.set_value(own->unplanned(0, 10)->size());
  });
  store->on_deliveries([&] {
    if (delivery_rings++ == 0) deliveries.set_value(own->due("crm", now(), 10, {})->size());
  });
  auto seq = append(*store, make_event("{}", now()))->seq;
  EXPECT_EQ(events.get_future().get(), 1u);
  ASSERT_TRUE(apply(*store, make_plan(seq, "", {make_delivery("crm", 1)}, now())));
  EXPECT_EQ(deliveries.get_future().get(), 1u);
  store.reset();
  EXPECT_EQ(event_rings, 1);
}

TEST_P(Events, WhatWasHandedOverIsAnsweredBeforeTheStoreGoes) {
  std::atomic<int> answered{0};
  for (int i = 0; i < 300; ++i)
    store->append(make_event("{}", now()), [&](Result<Appended> r) { answered += r ? 1 : 0; });
  reader.reset();
  store.reset();
  EXPECT_EQ(answered, 300);
}

TEST_P(Events, AppendsFromManyThreadsAreAllStored) {
  std::atomic<int> stored{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) stored += append(*store, make_event("{}", now())) ? 1 : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(stored, 200);
  EXPECT_EQ(reader->totals()->events, 200u);
  auto load = store->load();
  EXPECT_EQ(load.waiting, 0u);
  EXPECT_EQ(load.oldest_waiting.count(), 0);
}

}  // namespace
}  // namespace chatrelay::store::contract
