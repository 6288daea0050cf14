// Commands on a failing disk: each answers an error and nothing of it is there, or ok and all of it is there.
#include <atomic>
#include <future>
#include <stdexcept>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "unit/store/own_support.hpp"
#include "unit/store/sqlite_fixture.hpp"

namespace chatrelay::store::sqlite {
namespace {

using namespace std::chrono_literals;
using namespace contract;

constexpr int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_CONSTRAINT, SQLITE_BUSY};

class OwnFaults : public SqliteTest {
 protected:
  void fresh_store() {
    store.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(options.path + suffix);
    count = 0;
    armed = false;
    failed = false;
    start();
  }
  // From arm() on, the nth store call fails; 0: none.
  void inject(std::uint64_t nth, int code) {
    options.fault = [this, nth, code](std::uint64_t, const char* what) {
      if (!armed || ++count != nth) return 0;
      failed_at = what;
      failed = true;
      return code;
    };
  }
  void arm() { armed = true; }

  // All that commands can change, as text.
  std::string content() {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open_v2(options.path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    std::string text;
    for (const char* sql :
         {"SELECT pk,source,id,token,created_at,updated_at,record FROM own_visitors ORDER BY pk",
          "SELECT pk,source,id,visitor,open,created_at,closed_at,last_at,messages,record FROM own_rooms JOIN "
          "own_room_counts ON room=pk ORDER BY pk",
          "SELECT room,sent_at,source,id,from_visitor,id_is_ours,record FROM own_messages ORDER BY room,sent_at",
          "SELECT kind,pk FROM own_gone ORDER BY kind,pk", "SELECT seq,source,body FROM events ORDER BY seq",
          "SELECT seq FROM unplanned ORDER BY seq", "SELECT seq,event_seq,destination,head,state FROM deliveries",
          "SELECT seq,payload FROM payloads ORDER BY seq", "SELECT id,name FROM names ORDER BY id",
          "SELECT id,a,b,c,d,e,f,g FROM counters ORDER BY kind,id", "PRAGMA integrity_check"}) {
      sqlite3_stmt* s = nullptr;
      EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &s, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
      while (sqlite3_step(s) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); ++i) {
          const auto* column = sqlite3_column_text(s, i);
          text += column ? reinterpret_cast<const char*>(column) : "NULL";
          text += '|';
        }
        text += '\n';
      }
      text += "--\n";
      sqlite3_finalize(s);
    }
    sqlite3_close(db);
    return text;
  }

  // A room's life, from its visitor's first word to the visitor's removal.
  std::vector<Store::Command> life() {
    const auto t = now();
    return {
        [t](Transaction& tx) {
          const auto visitor = tx.put(make_visitor("v", t));
          const auto room = tx.put(make_room("r", visitor, t));
          post(tx, room, "m1", t);
        },
        [t](Transaction& tx) { post(tx, tx.room("site", "r")->pk, "m2", t + 1s); },
        [t](Transaction& tx) {
          auto m = *tx.message("site", "m1");
          m.record["text"] = "edited";
          tx.replace(m);
          tx.append(make_event("edited", t, "site"));
        },
        [t](Transaction& tx) {
          auto room = *tx.room("site", "r");
          --room.messages;
          tx.remove(*tx.message("site", "m2"));
          tx.put(room);
          tx.append(make_event("deleted", t, "site"));
        },
        [t](Transaction& tx) {
          auto room = *tx.room("site", "r");
          room.open = false;
          room.closed_at = t + 2s;
          tx.put(room);
          auto visitor = *tx.visitor(room.visitor);
          visitor.token = "changed";
          tx.put(visitor);
          tx.deliver(tx.append(make_event("closed", t, "site")), make_delivery("mail", 1), t);
        },
        [](Transaction& tx) { tx.remove_visitor(tx.visitor("site", "changed")->pk); },
    };
  }

  std::uint64_t count = 0;  // Thread: the store's writer
  std::string failed_at;    // the statement; Thread: as above
  std::atomic<bool> armed{false}, failed{false};
};

TEST_F(OwnFaults, EachCommandIsThereAsAWholeOrNotAtAll) {
  inject(0, 0);
  fresh_store();
  std::vector<std::string> expected{content()};
  arm();
  for (const auto& body : life()) {
    ASSERT_TRUE(command(*store, body));
    expected.push_back(content());
    ASSERT_NE(expected.back(), expected[expected.size() - 2]);
  }
  store.reset();
  const auto length = count;
  ASSERT_GT(length, 40u);
  for (std::uint64_t nth = 1; nth <= length; ++nth) {
    const int code = codes[nth % std::size(codes)];
    inject(nth, code);
    fresh_store();
    arm();
    std::size_t step = 0;
    for (const auto& body : life()) {
      ++step;
      bool done = bool(command(*store, body));
      if (!done) {
        ASSERT_EQ(content(), expected[step - 1]) << "call " << nth << " code " << code << " step " << step;
        done = bool(command(*store, body));
      }
      ASSERT_TRUE(done) << "call " << nth << " code " << code << " step " << step;
      ASSERT_EQ(content(), expected[step]) << "call " << nth << " code " << code << " step " << step;
    }
    ASSERT_TRUE(failed) << nth;
    // What was answered is there after a restart too.
    if (nth % 7 == 0) {
      start();
      ASSERT_EQ(content(), expected.back());
    }
  }
}

// Appends, commands and one that throws, all in one group.
TEST_F(OwnFaults, OfAGroupEachIsThereAsAWholeOrNotAtAll) {
  constexpr int calls = 8;
  for (std::uint64_t nth = 1;; ++nth) {
    const int code = codes[nth % std::size(codes)];
    inject(nth, code);
    fresh_store();
    const auto room = put_room(*store, "a", now());
    std::promise<void> entered, gate, all;
    auto opened = gate.get_future().share();
    store->command(
        [&entered, opened, first = true](Transaction&) mutable {
          if (std::exchange(first, false)) entered.set_value();
          opened.wait();
        },
        nullptr);
    entered.get_future().get();
    std::vector<int> good(calls, 0);
    std::atomic<int> left{calls};
    for (int i = 0; i < calls; ++i) {
      auto told = [&, i](bool ok) {
        good[static_cast<std::size_t>(i)] = ok;
        if (--left == 0) all.set_value();
      };
      const auto id = "m" + std::to_string(i);
      if (i % 4 == 0)
        store->append(make_event(id, now(), "site"), [told](Result<Appended> r) { told(bool(r)); });
      else if (i == 5)
        store->command(
            [this, id, room](Transaction& tx) {
              post(tx, room, id, now());
              throw std::runtime_error("a hole");
            },
            [told](Result<bool> r) { told(bool(r)); });
      else
        store->command([this, id, room](Transaction& tx) { post(tx, room, id, now()); },
                       [told](Result<bool> r) { told(bool(r)); });
    }
    arm();
    gate.set_value();
    all.get_future().get();
    auto reader = store->open_reader();
    std::string bodies;
    for (const auto& event : *reader->unplanned(0, 100)) bodies += event.body + " ";
    std::string expected;
    std::size_t posts = 0;
    for (int i = 0; i < calls; ++i) {
      const bool ok = good[static_cast<std::size_t>(i)] != 0;
      const auto id = "m" + std::to_string(i);
      if (ok) expected += id + " ";
      if (i % 4 == 0) continue;
      posts += ok;
      EXPECT_EQ(reader->own_message("site", id)->has_value(), ok) << id << " call " << nth << " code " << code;
    }
    EXPECT_FALSE(good[5]);
    EXPECT_EQ(bodies, expected) << "call " << nth << " code " << code;
    EXPECT_EQ((**reader->own_room("site", "room-a")).messages, posts);
    expect_counters_right(*reader);
    if (failed && code == SQLITE_CONSTRAINT && failed_at.find("own_") != std::string::npos) {
      EXPECT_GE(posts, 4u) << "one that fails fails alone: call " << nth;
    }
    // The injected failure may only now find its call, but no second one.
    const auto after = [this, room](Transaction& tx) { post(tx, room, "after", now()); };
    EXPECT_TRUE(command(*store, after) || command(*store, after)) << "call " << nth << " code " << code;
    reader.reset();
    const bool was_hit = failed;
    if (!was_hit) {
      EXPECT_EQ(posts, 5u);
      EXPECT_GT(nth, 20u);
      break;
    }
  }
}

TEST_F(OwnFaults, TooManyThatWaitAreRefusedAndNotRun) {
  options.waiting_max = 4;
  start();
  std::promise<void> entered, gate, all;
  auto opened = gate.get_future().share();
  store->command(
      [&entered, opened, first = true](Transaction&) mutable {
        if (std::exchange(first, false)) entered.set_value();
        opened.wait();
      },
      nullptr);
  entered.get_future().get();
  std::atomic<int> ran{0}, good{0}, refused{0}, left{10};
  for (int i = 0; i < 10; ++i)
    store->command([&](Transaction&) { ++ran; },
                   [&](Result<bool> r) {
                     (r ? good : refused)++;
                     if (!r) {
                       EXPECT_EQ(r.error().kind, ErrorKind::unavailable);
                     }
                     if (--left == 0) all.set_value();
                   });
  gate.set_value();
  all.get_future().get();
  EXPECT_EQ(ran, 3) << "and the one in the gate";
  EXPECT_EQ(good, 3);
  EXPECT_EQ(refused, 7);
  EXPECT_TRUE(command(*store, [](Transaction&) {}));
}

}  // namespace
}  // namespace chatrelay::store::sqlite
