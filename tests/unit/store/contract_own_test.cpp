// The Store contract: conversations of our own, and the commands that change them.
#include <atomic>
#include <future>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>

#include "contract/store/store_contract.hpp"
#include "unit/store/backends.hpp"
#include "unit/store/own_support.hpp"

namespace chatrelay::store::contract {
namespace {

using namespace std::chrono_literals;

class Own : public StoreContract {
 protected:
  // What is handed over until open() comes together in the groups behind this command.
  void close_gate() {
    auto opened = gate_.get_future().share();
    std::promise<void> entered;
    store->command(
        [opened, &entered, first = true](Transaction&) mutable {
          if (std::exchange(first, false)) entered.set_value();
          opened.wait();
        },
        nullptr);
    entered.get_future().get();
  }
  void open_gate() { gate_.set_value(); }

  std::vector<OwnMessage> page(OwnPk room, std::function<void(OwnMessageQuery&)> set = {}) {
    OwnMessageQuery query;
    query.room = room;
    if (set) set(query);
    auto found = reader->own_messages(query);
    EXPECT_TRUE(found);
    return *found;
  }
  std::string ids(OwnPk room, std::function<void(OwnMessageQuery&)> set = {}) {
    std::string joined;
    for (const auto& m : page(room, std::move(set))) joined += m.id;
    return joined;
  }
  // Writes one of everything.
  void write_all(Transaction& tx, const std::string& name) {
    const auto visitor = tx.put(make_visitor("token-" + name, now()));
    const auto room = tx.put(make_room("room-" + name, visitor, now()));
    post(tx, room, "message-" + name, now());
    const auto event = tx.append(make_event("event-" + name, now(), "site"));
    tx.deliver(event, make_delivery("mail", 5), now());
  }
  int prune_all(WallTime before, std::size_t limit = 7) {
    Store::RetentionLimits limits{before, before, before};
    int steps = 1;
    while (*wait<bool>([&](auto done) { store->prune(limits, limit, done); }))
      if (++steps > 5000) break;
    EXPECT_LT(steps, 5000);
    return steps;
  }

 private:
  std::promise<void> gate_;
};
INSTANTIATE_TEST_SUITE_P(Stores, Own, testing::ValuesIn(backends()), backend_name);

void expect_same(const OwnVisitor& a, const OwnVisitor& b) {
  EXPECT_EQ(a.pk, b.pk);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.token, b.token);
  EXPECT_EQ(a.record, b.record);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.updated_at, b.updated_at);
}
void expect_same(const OwnRoom& a, const OwnRoom& b) {
  EXPECT_EQ(a.pk, b.pk);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.visitor, b.visitor);
  EXPECT_EQ(a.open, b.open);
  EXPECT_EQ(a.record, b.record);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.closed_at, b.closed_at);
  EXPECT_EQ(a.last_at, b.last_at);
  EXPECT_EQ(a.messages, b.messages);
}
void expect_same(const OwnMessage& a, const OwnMessage& b) {
  EXPECT_EQ(a.room, b.room);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.sent_at, b.sent_at);
  EXPECT_EQ(a.from_visitor, b.from_visitor);
  EXPECT_EQ(a.id_is_ours, b.id_is_ours);
  EXPECT_EQ(a.record, b.record);
}

TEST_P(Own, AVisitorIsFoundByTokenWithinItsSourceAndByNumber) {
  auto v = make_visitor(std::string("t\0k\xff", 4), now());
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    EXPECT_FALSE(tx.visitor("site", v.token)) << "a source that nobody knows yet";
    v.pk = 0;
    v.pk = tx.put(v);
    ASSERT_TRUE(tx.visitor("site", v.token));
    expect_same(*tx.visitor("site", v.token), v);
    ASSERT_TRUE(tx.visitor(v.pk));
    expect_same(*tx.visitor(v.pk), v);
    EXPECT_FALSE(tx.visitor("other", v.token));
    EXPECT_FALSE(tx.visitor("site", "t"));
    EXPECT_FALSE(tx.visitor(v.pk + 1));
  }));
  ASSERT_NE(v.pk, 0u);
  ASSERT_TRUE(*reader->own_visitor("site", v.token));
  expect_same(**reader->own_visitor("site", v.token), v);
  expect_same(**reader->own_visitor(v.pk), v);
  EXPECT_FALSE(*reader->own_visitor("other", v.token));
  EXPECT_FALSE(*reader->own_visitor("site", ""));
  EXPECT_FALSE(*reader->own_visitor(v.pk + 1));
}

TEST_P(Own, TheSameTokenAndIdsInAnotherSourceAreOthers) {
  const auto here = put_room(*store, "a", now(), "here");
  const auto there = put_room(*store, "a", now(), "there");
  ASSERT_NE(here, there);
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    post(tx, here, "m", now());
    post(tx, there, "m", now());
  }));
  EXPECT_EQ((**reader->own_room("here", "room-a")).pk, here);
  EXPECT_EQ((**reader->own_room("there", "room-a")).pk, there);
  EXPECT_EQ((**reader->own_message("here", "m")).room, here);
  EXPECT_EQ((**reader->own_message("there", "m")).room, there);
  EXPECT_NE((**reader->own_visitor("here", "token-a")).pk, (**reader->own_visitor("there", "token-a")).pk);
}

TEST_P(Own, AVisitorIsReplacedAsAWhole) {
  OwnPk pk = 0;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { pk = tx.put(make_visitor("old", now())); }));
  auto changed = make_visitor("new", now() + 1h);
  changed.pk = pk;
  changed.id = "another";
  changed.record = {{"name", "Bo\xc3\xab"}};
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { EXPECT_EQ(tx.put(changed), pk); }));
  EXPECT_FALSE(*reader->own_visitor("site", "old"));
  ASSERT_TRUE(*reader->own_visitor("site", "new"));
  expect_same(**reader->own_visitor("site", "new"), changed);
}

TEST_P(Own, ARoomIsFoundAndReplacedAsAWhole) {
  const auto pk = put_room(*store, "a", now());
  auto room = **reader->own_room("site", "room-a");
  EXPECT_EQ(room.pk, pk);
  EXPECT_TRUE(room.open);
  EXPECT_FALSE(room.closed_at);
  EXPECT_FALSE(*reader->own_room("other", "room-a"));
  EXPECT_FALSE(*reader->own_room("site", "room-b"));
  room.open = false;
  room.closed_at = now() + 2h;
  room.last_at = now() + 1h;
  room.messages = 12;
  room.record = {{"closed_by", "visitor"}};
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    EXPECT_EQ(tx.put(room), pk);
    ASSERT_TRUE(tx.room(pk));
    expect_same(*tx.room(pk), room);
    expect_same(*tx.room("site", "room-a"), room);
    EXPECT_FALSE(tx.room("other", "room-a"));
    EXPECT_FALSE(tx.room(pk + 1));
  }));
  expect_same(**reader->own_room("site", "room-a"), room);
}

TEST_P(Own, TheRoomsOfAVisitorAreListedAndCounted) {
  OwnPk visitor = 0;
  std::vector<OwnPk> rooms;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    rooms.clear();
    visitor = tx.put(make_visitor("v", now()));
    const auto other = tx.put(make_visitor("w", now()));
    tx.put(make_room("of-the-other", other, now()));
    for (int i = 0; i < 5; ++i) rooms.push_back(tx.put(make_room("r" + std::to_string(i), visitor, now())));
    auto closed = *tx.room(rooms[1]);
    closed.open = false;
    tx.put(closed);
  }));
  auto names = [](const std::vector<OwnRoom>& list) {
    std::string joined;
    for (const auto& room : list) joined += room.id;
    return joined;
  };
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    EXPECT_EQ(names(tx.open_rooms(visitor, 10)), "r0r2r3r4");
    EXPECT_EQ(names(tx.open_rooms(visitor, 2)), "r0r2");
    EXPECT_EQ(names(tx.open_rooms(visitor + 100, 2)), "");
    EXPECT_EQ(tx.count_rooms(visitor, 100), 5u);
    EXPECT_EQ(tx.count_rooms(visitor, 3), 3u);
    EXPECT_EQ(tx.count_rooms(visitor + 100, 3), 0u);
    auto again = *tx.room(rooms[1]);
    again.open = true;
    tx.put(again);
    EXPECT_EQ(names(tx.open_rooms(visitor, 10)), "r0r1r2r3r4");
    again.open = false;
    tx.put(again);
    EXPECT_EQ(names(tx.open_rooms(visitor, std::numeric_limits<std::size_t>::max())), "r0r2r3r4");
  }));
  EXPECT_EQ(names(*reader->own_rooms(visitor, 10)), "r4r3r2r1r0");
  EXPECT_EQ(names(*reader->own_rooms(visitor, 2)), "r4r3");
  EXPECT_EQ(names(*reader->own_rooms(visitor + 100, 2)), "");
}

TEST_P(Own, TheRoomsOfASourceAreListedNewestFirst) {
  std::vector<OwnPk> rooms;
  for (int i = 0; i < 3; ++i) {
    rooms.push_back(put_room(*store, std::to_string(i), now()));
    put_room(*store, std::to_string(i), now(), "other");
  }
  const auto names = [&](OwnPk before, std::size_t limit) {
    std::string joined;
    for (const OwnRoom& room : *reader->own_rooms("site", before, limit)) joined += room.id + " ";
    return joined;
  };
  EXPECT_EQ(names(0, 10), "room-2 room-1 room-0 ");
  EXPECT_EQ(names(0, 2), "room-2 room-1 ");
  EXPECT_EQ(names(rooms[1], 10), "room-0 ");
  EXPECT_EQ(names(rooms[0], 10), "");
  EXPECT_TRUE(reader->own_rooms("nobody", 0, 10)->empty());
}

TEST_P(Own, AMessageIsFoundReplacedAndRemoved) {
  const auto room = put_room(*store, "a", now());
  auto m = make_message("m", room, now());
  m.from_visitor = false;
  m.id_is_ours = false;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    tx.insert(m);
    ASSERT_TRUE(tx.message("site", "m"));
    expect_same(*tx.message("site", "m"), m);
    EXPECT_FALSE(tx.message("other", "m"));
  }));
  expect_same(**reader->own_message("site", "m"), m);
  EXPECT_FALSE(*reader->own_message("other", "m"));
  EXPECT_FALSE(*reader->own_message("site", "M"));
  m.record = {{"text", "better"}, {"edited", true}};
  m.from_visitor = true;
  m.id_is_ours = true;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { tx.replace(m); }));
  expect_same(**reader->own_message("site", "m"), m);
  expect_same(page(room).at(0), m);
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    tx.remove(m);
    EXPECT_FALSE(tx.message("site", "m"));
    tx.insert(make_message("m", room, now() + 1ms, "the id is free again"));
  }));
  EXPECT_EQ((**reader->own_message("site", "m")).sent_at, now() + 1ms);
  EXPECT_EQ(page(room).size(), 1u);
}

TEST_P(Own, AHistoryIsReadNewestFirstWithinItsBounds) {
  const auto room = put_room(*store, "a", now()), other = put_room(*store, "b", now());
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    for (int i = 0; i < 8; ++i) {
      tx.insert(make_message(std::string(1, static_cast<char>('a' + i)), room, now() + i * 1s));
      tx.insert(make_message("other" + std::to_string(i), other, now() + i * 1s));
    }
  }));
  const auto t = now();
  EXPECT_EQ(ids(room), "hgfedcba");
  EXPECT_EQ(ids(room, [&](auto& q) { q.limit = 3; }), "hgf");
  EXPECT_EQ(ids(room, [&](auto& q) { q.limit = 3, q.offset = 2; }), "fed");
  EXPECT_EQ(ids(room, [&](auto& q) { q.limit = 3, q.offset = 7; }), "a");
  EXPECT_EQ(ids(room, [&](auto& q) { q.offset = 8; }), "");
  EXPECT_EQ(ids(room, [&](auto& q) { q.offset = std::numeric_limits<std::size_t>::max(); }), "");
  EXPECT_EQ(ids(room, [&](auto& q) { q.limit = 0; }), "");
  EXPECT_EQ(ids(room, [&](auto& q) { q.limit = std::numeric_limits<std::size_t>::max(); }), "hgfedcba");
  EXPECT_EQ(ids(room, [&](auto& q) { q.before = t + 3s; }), "cba") << "exclusive";
  EXPECT_EQ(ids(room, [&](auto& q) { q.from = t + 5s; }), "hgf") << "inclusive";
  EXPECT_EQ(ids(room, [&](auto& q) { q.from = t + 2s, q.before = t + 6s, q.offset = 1, q.limit = 2; }), "ed");
  EXPECT_EQ(ids(room, [&](auto& q) { q.from = t + 3s, q.before = t + 3s; }), "");
  EXPECT_EQ(ids(room, [&](auto& q) { q.from = t + 6s, q.before = t + 3s; }), "");
  EXPECT_EQ(ids(room + 100), "");
  std::optional<OwnMessage> oldest;
  auto count = [&](WallTime after, WallTime before, std::size_t limit) {
    return *reader->count_own_messages(room, after, before, limit, &oldest);
  };
  EXPECT_EQ(count(t, t + 4s, 100), 3u) << "both exclusive";
  EXPECT_EQ(oldest->id, "b");
  EXPECT_EQ(count(t - 1h, t + 1h, 5), 5u) << "no further than limit";
  EXPECT_EQ(oldest->id, "a");
  EXPECT_EQ(count(t - 1h, t + 1h, std::numeric_limits<std::size_t>::max()), 8u);
  EXPECT_EQ(count(t + 7s, t + 1h, 100), 0u);
  EXPECT_FALSE(oldest);
  EXPECT_EQ(*reader->count_own_messages(room, t - 1h, t + 1h, 100, nullptr), 8u);
  EXPECT_EQ(*reader->count_own_messages(room + 100, t - 1h, t + 1h, 100, &oldest), 0u);
  EXPECT_FALSE(oldest);
}

TEST_P(Own, APageHasAThousandMessagesAtMost) {
  const auto room = put_room(*store, "a", now());
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    for (int i = 0; i < 1005; ++i) tx.insert(make_message("m" + std::to_string(i), room, now() + i * 1ms));
  }));
  EXPECT_EQ(page(room, [](auto& q) { q.limit = 5000; }).size(), 1000u);
  EXPECT_EQ(page(room, [](auto& q) { q.limit = 5000, q.offset = 1000; }).size(), 5u);
}

// Offsets page through what is there at one moment; `before` pages through what changes meanwhile.
TEST_P(Own, PagesNeverOverlapAndNeverSkip) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    std::mt19937 random(seed);
    auto pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    const auto room = put_room(*store, "p" + std::to_string(seed), now());
    std::map<WallTime, OwnMessage> model;
    auto last = now();
    int made = 0;
    auto change = [&] {
      const auto what = pick(10);
      ASSERT_TRUE(command(*store, [&](Transaction& tx) {
        if (what < 6 || model.empty()) {
          last = std::max(now(), last + 1ms);
          auto m = make_message("s" + std::to_string(seed) + "-" + std::to_string(++made), room, last);
          tx.insert(m);
          model[last] = m;
          return;
        }
        auto chosen = std::next(model.begin(), static_cast<std::ptrdiff_t>(pick(model.size())));
        if (what < 8) {
          chosen->second.record["text"] = "edited " + std::to_string(pick(1000));
          tx.replace(chosen->second);
        } else {
          tx.remove(chosen->second);
          model.erase(chosen);
        }
      }));
      clock.advance(Millis(pick(3)));
    };
    for (int i = 0; i < 150; ++i) change();
    for (std::size_t size : {1u, 3u, 7u, 200u}) {
      std::vector<OwnMessage> by_offset;
      for (std::size_t offset = 0;; offset += size) {
        auto some = page(room, [&](auto& q) { q.limit = size, q.offset = offset; });
        by_offset.insert(by_offset.end(), some.begin(), some.end());
        if (some.size() < size) break;
      }
      ASSERT_EQ(by_offset.size(), model.size()) << "seed " << seed << " size " << size;
      auto expected = model.rbegin();
      for (const auto& m : by_offset) expect_same(m, (expected++)->second);
    }
    // Each message that is there from the first page to the last is seen exactly once, as it was at that page or later.
    const auto at_start = model;
    std::map<WallTime, int> seen;
    std::optional<WallTime> before;
    while (true) {
      auto some = page(room, [&](auto& q) { q.limit = 5, q.before = before; });
      for (const auto& m : some) {
        ++seen[m.sent_at];
        if (before) {
          EXPECT_LT(m.sent_at, *before);
        }
      }
      if (some.empty()) break;
      before = some.back().sent_at;
      for (int i = 0; i < 3; ++i) change();
    }
    for (const auto& [at, times] : seen) EXPECT_EQ(times, 1) << "seed " << seed;
    for (const auto& [at, m] : at_start)
      if (model.count(at)) {
        EXPECT_EQ(seen[at], 1) << "seed " << seed << ": " << m.id << " was skipped";
      }
    EXPECT_EQ(*reader->count_own_messages(room, from_ms(0), last + 1ms, 100'000, nullptr), model.size());
  }
}

TEST_P(Own, ACommandsEventIsPlannedLikeEveryOtherAndItsDeliveryIsDue) {
  EventSeq first = 0, second = 0;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    auto event = make_event("{\"a\":1}", now(), "site");
    event.content_type = "application/x-ours";
    event.dedup = key(1);
    event.dedup_window = 1h;
    first = tx.append(event);
    second = tx.append(event);
    tx.deliver(second, make_delivery("mail", 3, "", "{\"to\":\"a@b\"}"), now());
  }));
  ASSERT_LT(first, second) << "no de-duplication";
  auto event = **reader->event(first);
  EXPECT_EQ(event.body, "{\"a\":1}");
  EXPECT_EQ(event.content_type, "application/x-ours");
  EXPECT_EQ(event.source, "site");
  EXPECT_EQ(event.received_at, now());
  EXPECT_EQ(*reader->last_received("site"), now());
  EXPECT_FALSE(append_once(*store, "x", now(), key(1), 1h)->duplicate) << "its key is nobody's";
  auto waiting = *reader->unplanned(0, 10);
  ASSERT_EQ(waiting.size(), 3u);
  EXPECT_EQ(waiting[1].seq, second);
  auto heads = due(*reader, "mail", now());
  ASSERT_EQ(heads.size(), 1u);
  auto delivery = **reader->delivery(heads[0]);
  EXPECT_EQ(delivery.event.seq, second);
  EXPECT_EQ(delivery.payload, "{\"to\":\"a@b\"}");
  // Planning adds its own beside it.
  ASSERT_EQ(apply(*store, make_plan(second, "c", {make_delivery("crm", 4)}, now()))->size(), 1u);
  EXPECT_EQ(reader->totals()->open_deliveries, 2u);
  ASSERT_TRUE(*record(*store, attempt(heads[0], DeliveryState::delivered, now())));
  expect_counters_right(*reader);
}

TEST_P(Own, DoorbellsRingAfterWhatACommandDidIsVisible) {
  store.reset();
  store = GetParam().make(directory, clock, metrics, 0);
  auto own = store->open_reader();
  std::promise<std::size_t> events, deliveries;
  std::atomic<int> event_rings{0}, delivery_rings{0};
  store->on_events([&] {
    if (event_rings++ == 0) events.set_value(own->unplanned(0, 10)->size());
  });
  store->on_deliveries([&] {
    if (delivery_rings++ == 0) deliveries.set_value(own->due("mail", now(), 10, {})->size());
  });
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { tx.put(make_visitor("silent", now())); }));
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    tx.deliver(tx.append(make_event("{}", now())), make_delivery("mail", 1), now());
  }));
  EXPECT_EQ(events.get_future().get(), 1u);
  EXPECT_EQ(deliveries.get_future().get(), 1u);
  reader.reset();
  store.reset();
  EXPECT_EQ(event_rings, 1);
  EXPECT_EQ(delivery_rings, 1);
}

TEST_P(Own, ACommandThatRefusesWritesNothing) {
  const auto room = put_room(*store, "a", now());
  auto closed = **reader->own_room("site", "room-a");
  closed.open = false;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { tx.put(closed); }));
  bool refused = false;
  auto answer = command(*store, [&](Transaction& tx) {
    refused = !tx.room(room)->open;
    if (!refused) post(tx, room, "m", now());
  });
  EXPECT_TRUE(answer) << "the store did what it was asked: nothing";
  EXPECT_TRUE(refused);
  EXPECT_TRUE(page(room).empty());
  EXPECT_EQ(reader->totals()->events, 0u);
  expect_same(**reader->own_room("site", "room-a"), closed);
}

TEST_P(Own, ABodyThatThrowsFailsAloneAndLeavesNothing) {
  const auto kept = put_room(*store, "kept", now());
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { tx.insert(make_message("m", kept, now())); }));
  const auto before = **reader->own_visitor("site", "token-kept");
  close_gate();
  std::atomic<int> left{7};
  std::promise<void> all;
  std::map<int, Error> failed;
  EventSeq appended[2] = {0, 0};
  auto told = [&](int n) {
    return [&, n](auto result) {
      if (!result) failed[n] = result.error();
      if (--left == 0) all.set_value();
    };
  };
  store->append(make_event("first", now(), "site"), [&, tell = told(0)](Result<Appended> r) {
    if (r) appended[0] = r->seq;
    tell(r);
  });
  store->command(
      [&](Transaction& tx) {
        write_all(tx, "known");
        auto message = *tx.message("site", "m");
        message.record["text"] = "changed";
        tx.replace(message);
        throw std::runtime_error("a hole in the command");
      },
      told(1));
  store->command([&](Transaction& tx) { post(tx, kept, "good", now()); }, told(2));
  store->command(
      [&](Transaction& tx) {
        tx.remove(*tx.message("site", "m"));
        tx.remove_visitor(tx.visitor("site", "token-kept")->pk);
        write_all(tx, "unknown");
        throw 42;
      },
      told(3));
  // A call of the store's that fails, and a body that looks away.
  store->command(
      [&](Transaction& tx) {
        tx.put(make_visitor("token-half", now()));
        try {
          tx.remove(make_message("none", kept, now() + 99h));
        } catch (...) {
        }
      },
      told(4));
  store->command([&](Transaction& tx) { tx.put(make_visitor("token-kept", now())); }, told(5));
  store->append(make_event("last", now(), "site"), [&, tell = told(6)](Result<Appended> r) {
    if (r) appended[1] = r->seq;
    tell(r);
  });
  open_gate();
  all.get_future().get();
  ASSERT_EQ(failed.size(), 4u);
  for (int n : {1, 3, 4, 5}) {
    ASSERT_TRUE(failed.count(n)) << n;
    EXPECT_EQ(failed[n].kind, ErrorKind::internal) << failed[n].message;
  }
  EXPECT_NE(failed[1].message.find("a hole in the command"), std::string::npos) << failed[1].message;
  for (const char* name : {"known", "unknown", "half"}) {
    EXPECT_FALSE(*reader->own_visitor("site", std::string("token-") + name)) << name;
    EXPECT_FALSE(*reader->own_room("site", std::string("room-") + name)) << name;
    EXPECT_FALSE(*reader->own_message("site", std::string("message-") + name)) << name;
  }
  expect_same(**reader->own_visitor("site", "token-kept"), before);
  EXPECT_EQ((**reader->own_message("site", "m")).record.at("text"), "hello");
  EXPECT_EQ(ids(kept), "goodm");
  EXPECT_EQ((**reader->event(appended[0])).body, "first");
  EXPECT_EQ((**reader->event(appended[1])).body, "last");
  auto waiting = *reader->unplanned(0, 10);
  ASSERT_EQ(waiting.size(), 3u);
  EXPECT_EQ(waiting[1].body, "good");
  EXPECT_EQ(reader->totals()->open_deliveries, 0u);
  EXPECT_TRUE(due(*reader, "mail", now()).empty());
  expect_counters_right(*reader);
  // What was taken back is not in the way.
  EXPECT_TRUE(command(*store, [&](Transaction& tx) { write_all(tx, "known"); }));
  EXPECT_EQ(due(*reader, "mail", now()).size(), 1u);
}

TEST_P(Own, WhatIsTakenOrMissingFailsTheCommandAsAWhole) {
  const auto room = put_room(*store, "a", now());
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { tx.insert(make_message("m", room, now())); }));
  const std::vector<std::function<void(Transaction&)>> wrong{
      [&](Transaction& tx) { tx.put(make_visitor("token-a", now())); },
      [&](Transaction& tx) { tx.put(make_room("room-a", 1, now())); },
      [&](Transaction& tx) { tx.insert(make_message("m", room, now() + 1s)); },
      [&](Transaction& tx) { tx.insert(make_message("n", room, now())); },
      [&](Transaction& tx) { tx.insert(make_message("n", room + 100, now())); },
      [&](Transaction& tx) { tx.replace(make_message("n", room, now() + 1s)); },
      [&](Transaction& tx) { tx.remove(make_message("n", room, now() + 1s)); },
      [&](Transaction& tx) { tx.remove_visitor(999); },
      [&](Transaction& tx) {
        auto nobody = make_visitor("nobody", now());
        nobody.pk = 999;
        tx.put(nobody);
      },
      [&](Transaction& tx) {
        auto nowhere = make_room("nowhere", 1, now());
        nowhere.pk = 999;
        tx.put(nowhere);
      },
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    auto answer = command(*store, [&](Transaction& tx) {
      tx.append(make_event("{}", now()));
      wrong[i](tx);
    });
    ASSERT_FALSE(answer) << i;
    EXPECT_EQ(answer.error().kind, ErrorKind::internal) << i;
    EXPECT_EQ(reader->totals()->events, 0u) << i;
  }
  EXPECT_EQ(ids(room), "m");
  expect_counters_right(*reader);
}

TEST_P(Own, AppendsAndCommandsKeepTheirOrder) {
  const auto room = put_room(*store, "a", now());
  close_gate();
  constexpr int calls = 200;
  std::vector<int> answered;
  std::vector<EventSeq> seqs(calls, 0);
  std::promise<void> all;
  auto told = [&](int n) {
    answered.push_back(n);
    if (answered.size() == calls) all.set_value();
  };
  for (int i = 0; i < calls; ++i) {
    if (i % 3 == 0)
      store->append(make_event(std::to_string(i), now()), [&, i, told](Result<Appended> r) {
        seqs[static_cast<std::size_t>(i)] = r->seq;
        told(i);
      });
    else
      store->command(
          [&, i](Transaction& tx) {
            auto r = *tx.room(room);
            EXPECT_EQ(r.messages + r.messages / 2 + 1, static_cast<std::uint64_t>(i)) << "it sees what went before";
            ++r.messages;
            tx.put(r);
            seqs[static_cast<std::size_t>(i)] = tx.append(make_event(std::to_string(i), now()));
          },
          [i, told](Result<bool> r) {
            EXPECT_TRUE(r);
            told(i);
          });
  }
  open_gate();
  all.get_future().get();
  for (int i = 0; i < calls; ++i) {
    const auto n = static_cast<std::size_t>(i);
    ASSERT_EQ(answered[n], i);
    if (i > 0) {
      ASSERT_LT(seqs[n - 1], seqs[n]);
    }
    ASSERT_EQ((**reader->event(seqs[n])).body, std::to_string(i));
  }
}

TEST_P(Own, OfTwoCommandsForTheSameIdTheSecondSeesTheFirst) {
  const auto room = put_room(*store, "a", now());
  close_gate();
  constexpr int calls = 50;
  std::atomic<int> left{calls};
  std::vector<int> posted(calls, 0);
  std::promise<void> all;
  for (std::size_t i = 0; i < calls; ++i)
    store->command(
        [&, i](Transaction& tx) {
          posted[i] = !tx.message("site", "the same");
          if (posted[i]) post(tx, room, "the same", now());
        },
        [&](Result<bool> r) {
          EXPECT_TRUE(r);
          if (--left == 0) all.set_value();
        });
  open_gate();
  all.get_future().get();
  EXPECT_EQ(posted[0], 1);
  EXPECT_EQ(std::accumulate(posted.begin(), posted.end(), 0), 1);
  EXPECT_EQ((**reader->own_room("site", "room-a")).messages, 1u);
}

TEST_P(Own, ACommandOverTheQueueLimitIsRefusedAndNotRun) {
  reopen(3);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(*store, make_event("{}", now())));
  bool ran = false;
  auto refused = command(*store, [&](Transaction&) { ran = true; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(ran);
  ASSERT_TRUE(apply(*store, make_plan(reader->unplanned(0, 1)->at(0).seq, "", {}, now())));
  EXPECT_TRUE(command(*store, [&](Transaction&) { ran = true; }));
  EXPECT_TRUE(ran);
}

TEST_P(Own, CommandsThatWaitAreCountedLikeAppends) {
  close_gate();
  std::atomic<int> left{5};
  std::promise<void> all;
  for (int i = 0; i < 5; ++i)
    store->command([](Transaction&) {},
                   [&](Result<bool>) {
                     if (--left == 0) all.set_value();
                   });
  EXPECT_GE(store->load().waiting, 5u);
  open_gate();
  all.get_future().get();
  EXPECT_EQ(store->load().waiting, 0u);
}

TEST_P(Own, CommandsHandedOverAreAnsweredBeforeTheStoreGoes) {
  std::atomic<int> answered{0};
  for (int i = 0; i < 200; ++i)
    store->command([this, i](Transaction& tx) { tx.put(make_visitor("t" + std::to_string(i), now())); },
                   [&](Result<bool> r) { answered += r ? 1 : 0; });
  reader.reset();
  store.reset();
  EXPECT_EQ(answered, 200);
}

TEST_P(Own, ARemovedVisitorsNumberIsNotGivenAgainAndItsRoomsAreNobodysElse) {
  const auto room = put_room(*store, "a", now());
  const auto gone = (**reader->own_visitor("site", "token-a")).pk;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    tx.insert(make_message("m", room, now()));
    tx.remove_visitor(gone);
    EXPECT_FALSE(tx.visitor(gone));
    EXPECT_FALSE(tx.visitor("site", "token-a"));
  }));
  EXPECT_FALSE(*reader->own_visitor("site", "token-a"));
  if (GetParam().name == "sqlite") reopen();
  OwnPk next = 0;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { next = tx.put(make_visitor("token-a", now())); }));
  EXPECT_GT(next, gone);
  EXPECT_TRUE(reader->own_rooms(next, 10)->empty());
  // Retention takes them whatever their age.
  prune_all(now() - 24h);
  EXPECT_FALSE(*reader->own_room("site", "room-a"));
  EXPECT_TRUE(page(room).empty());
  EXPECT_FALSE(*reader->own_message("site", "m"));
  EXPECT_TRUE(*reader->own_visitor("site", "token-a"));
  OwnPk again = 0;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { again = tx.put(make_room("room-a", next, now())); }));
  EXPECT_GT(again, room);
}

TEST_P(Own, RetentionTakesOldRoomsWithTheirMessagesAndVisitorsWithoutRooms) {
  std::vector<OwnPk> old_rooms;
  for (int i = 0; i < 12; ++i) {
    old_rooms.push_back(put_room(*store, "old" + std::to_string(i), now()));
    ASSERT_TRUE(command(*store, [&](Transaction& tx) {
      for (int n = 0; n < (i == 5 ? 100 : 3); ++n)
        tx.insert(make_message("old" + std::to_string(i) + "-" + std::to_string(n), old_rooms.back(), now() + n * 1ms));
      if (i % 2) {
        auto room = *tx.room(old_rooms.back());
        room.open = false;
        tx.put(room);
      }
    }));
  }
  const auto revived = put_room(*store, "revived", now());    // old, but spoken in lately
  const auto returned = put_room(*store, "returned", now());  // its visitor came back; its room is old
  put_room(*store, "two", now());                             // an old room and a young one
  OwnPk lonely = 0;
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { lonely = tx.put(make_visitor("lonely", now())); }));
  clock.advance(48h);
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    post(tx, revived, "late", now());
    auto visitor = *tx.visitor("site", "token-returned");
    visitor.updated_at = now();
    tx.put(visitor);
    tx.put(make_room("young", tx.visitor("site", "token-two")->pk, now()));
  }));
  const auto young = put_room(*store, "young2", now());
  EXPECT_GT(prune_all(now() - 24h), 10) << "in small steps";
  for (int i = 0; i < 12; ++i) {
    const auto name = "old" + std::to_string(i);
    EXPECT_FALSE(*reader->own_room("site", "room-" + name));
    EXPECT_FALSE(*reader->own_visitor("site", "token-" + name));
    EXPECT_FALSE(*reader->own_message("site", name + "-0"));
    EXPECT_TRUE(page(old_rooms[static_cast<std::size_t>(i)]).empty());
  }
  EXPECT_FALSE(*reader->own_visitor(lonely));
  EXPECT_EQ((**reader->own_room("site", "room-revived")).pk, revived);
  EXPECT_EQ(ids(revived), "late");
  EXPECT_TRUE(*reader->own_visitor("site", "token-revived")) << "it has a room";
  EXPECT_FALSE(*reader->own_room("site", "room-returned"));
  EXPECT_NE(returned, 0u);
  EXPECT_TRUE(*reader->own_visitor("site", "token-returned"));
  EXPECT_FALSE(*reader->own_room("site", "room-two"));
  EXPECT_TRUE(*reader->own_room("site", "young"));
  EXPECT_TRUE(*reader->own_visitor("site", "token-two"));
  EXPECT_EQ((**reader->own_room("site", "room-young2")).pk, young);
  clock.advance(72h);
  prune_all(now() - 24h);
  EXPECT_FALSE(*reader->own_room("site", "room-revived"));
  EXPECT_FALSE(*reader->own_visitor("site", "token-two"));
  EXPECT_FALSE(*reader->own_visitor("site", "token-returned"));
}

TEST_P(Own, RetentionFindsWhatWasWrittenBesideACommandThatFailed) {
  close_gate();
  std::promise<bool> good, bad;
  store->command([&](Transaction& tx) { tx.put(make_visitor("early", now())); },
                 [&](Result<bool> r) { good.set_value(bool(r)); });
  store->command(
      [&](Transaction& tx) {
        tx.put(make_visitor("late", now()));
        throw std::runtime_error("a hole");
      },
      [&](Result<bool> r) { bad.set_value(bool(r)); });
  open_gate();
  ASSERT_TRUE(good.get_future().get());
  ASSERT_FALSE(bad.get_future().get());
  ASSERT_TRUE(*reader->own_visitor("site", "early"));
  clock.advance(48h);
  prune_all(now() - 24h);
  EXPECT_FALSE(*reader->own_visitor("site", "early"));
}

TEST_P(Own, RetentionNeverShowsHalfARoom) {
  const auto room = put_room(*store, "a", now());
  ASSERT_TRUE(command(*store, [&](Transaction& tx) {
    for (int i = 0; i < 60; ++i) tx.insert(make_message("m" + std::to_string(i), room, now() + i * 1ms));
  }));
  clock.advance(48h);
  Store::RetentionLimits limits{now(), now(), now()};
  int steps = 0;
  for (bool more = true; more && steps < 200; ++steps) {
    const bool there = reader->own_room("site", "room-a")->has_value();
    EXPECT_TRUE(!there || page(room, [](auto& q) { q.limit = 100; }).size() == 60u);
    more = *wait<bool>([&](auto done) { store->prune(limits, 10, done); });
  }
  EXPECT_GT(steps, 5);
  EXPECT_TRUE(page(room).empty());
  EXPECT_FALSE(*reader->own_message("site", "m59"));
}

TEST_P(Own, EverythingIsThereAfterARestart) {
  if (GetParam().name == "memory") GTEST_SKIP() << "a store in memory is gone with its process";
  ASSERT_TRUE(command(*store, [&](Transaction& tx) { write_all(tx, "a"); }));
  const auto room = **reader->own_room("site", "room-a");
  reopen();
  expect_same(**reader->own_room("site", "room-a"), room);
  EXPECT_TRUE(*reader->own_visitor("site", "token-a"));
  EXPECT_EQ(ids(room.pk), "message-a");
  EXPECT_EQ(reader->totals()->events, 2u);
  EXPECT_EQ(due(*reader, "mail", now()).size(), 1u);
  expect_counters_right(*reader);
}

}  // namespace
}  // namespace chatrelay::store::contract
