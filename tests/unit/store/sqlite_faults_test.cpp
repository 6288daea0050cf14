// What a failing disk does: nothing acknowledged is lost, nothing unacknowledged is half kept, and the store works
// again by itself.
#include <atomic>
#include <csignal>
#include <map>
#include <set>

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/store/sqlite_fixture.hpp"

namespace chatrelay::store::sqlite {
namespace {

using namespace std::chrono_literals;
using namespace contract;

class SqliteFaults : public SqliteTest {
 protected:
  struct Kept {
    std::map<EventSeq, std::string> events;
    std::set<EventSeq> planned;
    std::map<DeliverySeq, DeliveryState> deliveries;
  };

  // Appends, plans, delivers, defers, cancels, retries and prunes; notes what was acknowledged.
  void scenario(Kept& kept, int round) {
    const auto dedup = key(static_cast<std::uint64_t>(round) * 100);
    for (int i = 0; i < 3; ++i) {
      auto body = std::to_string(round) + "/" + std::to_string(i);
      auto r = i == 2 ? append(*store, make_event(body, now()))
                      : append_once(*store, body, now(),
                                    i == 0 ? dedup : key(static_cast<std::uint64_t>(round) * 100 + 1), 1h);
      if (r && !r->duplicate) kept.events[r->seq] = body;
    }
    std::vector<DeliverySeq> created;
    for (auto& [seq, body] : kept.events) {
      if (kept.planned.count(seq)) continue;
      auto plan = make_plan(seq, "c" + std::to_string(round),
                            {make_delivery("crm", 1), make_delivery("mail", static_cast<LaneId>(2 + round))}, now());
      plan.failures.push_back({0, "r", "f:1", "why"});
      ConversationUpdate u;
      u.source = "livechat";
      u.chat_id = "c" + std::to_string(round);
      u.state = json::object{{"n", seq}};
      u.active_at = now();
      StoredMessage m;
      m.id = "m" + std::to_string(seq);
      m.event = seq;
      m.message = json::object{{"text", "x"}};
      u.messages = {m};
      plan.conversation = u;
      auto seqs = apply(*store, plan);
      if (!seqs) continue;
      kept.planned.insert(seq);
      for (auto d : *seqs) {
        kept.deliveries[d] = DeliveryState::pending;
        created.push_back(d);
      }
    }
    auto settle = [&](std::size_t i, DeliveryState state) {
      if (i >= created.size()) return;
      auto done = record(*store, attempt(created[i], state, now(), now() + 1s));
      if (done && *done)
        kept.deliveries[created[i]] = state;
      else
        kept.deliveries.erase(created[i]);  // unknown: the caller tries again
    };
    settle(0, DeliveryState::delivered);
    settle(1, DeliveryState::dead);
    settle(2, DeliveryState::deferred);
    settle(3, DeliveryState::held);
    if (created.size() > 4) {
      if (auto n = cancel(*store, {created[4]}, now()); n && *n == 1)
        kept.deliveries[created[4]] = DeliveryState::cancelled;
      else
        kept.deliveries.erase(created[4]);
      if (auto n = retry(*store, {created[1]}, now()); n && *n == 1)
        kept.deliveries[created[1]] = DeliveryState::pending;
      else
        kept.deliveries.erase(created[1]);
    }
    Store::RetentionLimits nothing;
    (void)wait<bool>([&](auto done) { store->prune(nothing, 10, done); });
  }

  void expect_kept(const Kept& kept) {
    auto reader = store->open_reader();
    for (const auto& [seq, body] : kept.events) {
      auto event = reader->event(seq);
      ASSERT_TRUE(event && *event) << "event " << seq << " was acknowledged";
      EXPECT_EQ((*event)->body, body);
    }
    for (const auto& [seq, state] : kept.deliveries) {
      auto delivery = reader->delivery(seq);
      ASSERT_TRUE(delivery && *delivery) << "delivery " << seq;
      EXPECT_EQ((*delivery)->state, state) << seq;
      EXPECT_FALSE((*delivery)->payload.empty());
    }
    expect_counters_right(*reader);
    expect_whole();
  }

  // Every event is either waiting or planned, the file is sound, and of each lane exactly the first open one is its
  // head.
  void expect_whole() {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open_v2(options.path.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    auto one = [&](const char* sql) {
      sqlite3_stmt* s = nullptr;
      EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &s, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
      std::string text = sqlite3_step(s) == SQLITE_ROW ? reinterpret_cast<const char*>(sqlite3_column_text(s, 0)) : "";
      sqlite3_finalize(s);
      return text;
    };
    EXPECT_EQ(one("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(one("SELECT count(*) FROM events e WHERE (SELECT count(*) FROM unplanned u WHERE u.seq=e.seq)=(SELECT "
                  "count(*)>0 FROM event_parts p WHERE p.id/1024=e.seq)"),
              "0");
    EXPECT_EQ(one("SELECT count(*) FROM deliveries d WHERE head<>(state<3 AND pos=(SELECT min(pos) FROM deliveries o "
                  "WHERE o.lane=d.lane AND o.state<3))"),
              "0");
    EXPECT_EQ(one("SELECT count(*) FROM deliveries d WHERE NOT EXISTS(SELECT 1 FROM payloads p WHERE p.seq=d.seq)"),
              "0");
    sqlite3_close(db);
  }
};

TEST_F(SqliteFaults, EveryStoreCallMayFailAndNothingAcknowledgedIsLost) {
  // The length of the scenario in store calls, then a run for each call that fails, with several kinds of failure.
  std::atomic<std::uint64_t> calls{0};
  options.fault = [&](std::uint64_t n, const char*) { return calls = n, 0; };
  start();
  Kept whole;
  scenario(whole, 0);
  ASSERT_EQ(whole.events.size(), 3u);
  expect_kept(whole);
  store.reset();
  const auto length = calls.load();
  ASSERT_GT(length, 50u);
  const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_CONSTRAINT};
  for (std::uint64_t fail = 1; fail <= length; ++fail) {
    std::filesystem::remove(options.path);
    std::filesystem::remove(options.path + "-wal");
    std::filesystem::remove(options.path + "-shm");
    const int code = codes[fail % 3];
    std::atomic<bool> failed{false};
    options.fault = [&, fail, code](std::uint64_t n, const char*) {
      if (n != fail) return 0;
      failed = true;
      return code;
    };
    start();
    Kept kept;
    scenario(kept, 0);
    ASSERT_TRUE(failed) << fail;
    expect_kept(kept);
    scenario(kept, 1);  // and goes on
    ASSERT_GE(kept.events.size(), 5u) << "call " << fail;
    expect_kept(kept);
    start();  // and after a restart
    expect_kept(kept);
    ASSERT_FALSE(HasFailure()) << "call " << fail << " of " << length << " failed with " << code;
  }
}

TEST_F(SqliteFaults, AFailedCommitFailsAllOfItsGroupAndKeepsNoneOfIt) {
  std::atomic<bool> failing{false};
  options.fault = [&](std::uint64_t, const char* what) {
    return failing && std::string_view(what) == "COMMIT" ? SQLITE_IOERR_FSYNC : 0;
  };
  start();
  failing = true;
  std::atomic<int> failed{0}, left{50};
  std::promise<void> all;
  for (int i = 0; i < 50; ++i) {
    auto event = make_event("x", now());
    event.dedup = key(static_cast<std::uint64_t>(i));
    event.dedup_window = 1h;
    store->append(std::move(event), [&](Result<Appended> r) {
      failed += !r && r.error().kind == ErrorKind::unavailable;
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().get();
  EXPECT_EQ(failed, 50);
  auto reader = store->open_reader();
  EXPECT_EQ(reader->totals()->events, 0u);
  failing = false;
  for (int i = 0; i < 50; ++i) {
    auto again = append_once(*store, "x", now(), key(static_cast<std::uint64_t>(i)), 1h);
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->duplicate) << "a key of what was not kept is not known";
  }
  expect_counters_right(*reader);
}

TEST_F(SqliteFaults, OneBadAppendFailsAlone) {
  // A gate in the first group lets the appends behind it come together in one.
  std::promise<void> gate;
  auto opened_gate = gate.get_future().share();
  std::atomic<int> hits{0};
  options.fault = [&](std::uint64_t, const char* what) {
    if (std::string_view(what).find("INSERT INTO unplanned") == std::string_view::npos) return 0;
    const int hit = ++hits;
    if (hit == 1) opened_gate.wait();
    // Group of ten: the fourth of the first try fails, and again when each is tried alone.
    return hit == 5 || hit == 9 ? SQLITE_CONSTRAINT : 0;
  };
  start();
  std::atomic<int> good{0}, bad{0}, left{11};
  std::promise<void> all;
  for (int i = 0; i < 11; ++i)
    store->append(make_event(std::to_string(i), now()), [&](Result<Appended> r) {
      (r ? good : bad)++;
      if (--left == 0) all.set_value();
    });
  gate.set_value();
  all.get_future().get();
  EXPECT_EQ(bad, 1);
  EXPECT_EQ(good, 10);
  auto reader = store->open_reader();
  EXPECT_EQ(reader->totals()->events, 10u);
  expect_counters_right(*reader);
  expect_whole();
}

TEST_F(SqliteFaults, BackgroundWorkThatBreaksTheTransactionDoesNotFailAppends) {
  std::atomic<bool> failing{false};
  options.fault = [&](std::uint64_t, const char* what) {
    return failing && std::string_view(what).find("INSERT INTO deliveries") != std::string_view::npos ? SQLITE_FULL : 0;
  };
  start();
  auto waiting = append(*store, make_event("first", now()))->seq;
  failing = true;
  std::atomic<int> good{0};
  for (int i = 0; i < 20; ++i) {
    std::promise<bool> planned;
    std::vector<Plan> plans{make_plan(waiting, "c", {make_delivery("crm", 1)}, now())};
    store->append(make_event("beside", now()), [&](Result<Appended> r) { good += r ? 1 : 0; });
    store->apply(std::move(plans), [&](auto r) { planned.set_value(bool(r)); });
    EXPECT_FALSE(planned.get_future().get());
  }
  failing = false;
  EXPECT_EQ(apply(*store, make_plan(waiting, "c", {make_delivery("crm", 1)}, now()))->size(), 1u);
  EXPECT_EQ(good, 20);
  auto reader = store->open_reader();
  EXPECT_EQ(reader->totals()->events, 21u);
  expect_counters_right(*reader);
}

TEST_F(SqliteFaults, AFullStoreRefusesAndTakesAgainWhenRetentionMadeRoom) {
  options.file_pages_max = 250;
  start();
  std::size_t stored = 0;
  Result<Appended> last = Appended{};
  const std::string body(2000, 'x');
  while ((last = append(*store, make_event(body, now()))) && stored < 10'000) ++stored;
  ASSERT_FALSE(last) << "the limit was never met";
  EXPECT_EQ(last.error().kind, ErrorKind::unavailable);
  EXPECT_GT(stored, 50u);
  auto reader = store->open_reader();
  EXPECT_EQ(reader->totals()->events, stored);
  expect_counters_right(*reader);
  expect_whole();
  auto waiting = *reader->unplanned(0, 10'000);
  ASSERT_EQ(waiting.size(), stored);
  // Taking it off the list needs no room in the end; then the old may go.
  std::size_t planned = 0;
  for (const auto& event : waiting) {
    Plan plan;
    plan.event = event.seq;
    plan.planned_at = now();
    planned += apply(*store, plan) ? 1 : 0;
  }
  ASSERT_GT(planned, stored / 2);
  clock.advance(48h);
  Store::RetentionLimits limits{now(), now(), now()};
  for (auto more = wait<bool>([&](auto done) { store->prune(limits, 20, done); }); more && *more;)
    more = wait<bool>([&](auto done) { store->prune(limits, 20, done); });
  EXPECT_TRUE(append(*store, make_event(body, now()))) << "room again";
  expect_counters_right(*reader);
}

TEST_F(SqliteFaults, AFileThatCannotGrowRefusesAndLosesNothing) {
  start();
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1'000'000;
  setrlimit(RLIMIT_FSIZE, &small);
  std::map<EventSeq, std::string> kept;
  int refused = 0;
  const std::string body(3000, 'x');
  for (int i = 0; i < 1000 && refused < 5; ++i) {
    auto r = append(*store, make_event(body + std::to_string(i), now()));
    if (r)
      kept[r->seq] = body + std::to_string(i);
    else
      ++refused;
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(refused, 5);
  EXPECT_GT(kept.size(), 20u);
  EXPECT_TRUE(append(*store, make_event("after", now())));
  auto check = [&] {
    auto reader = store->open_reader();
    for (const auto& [seq, text] : kept) EXPECT_EQ((*reader->event(seq))->body, text);
    EXPECT_EQ(reader->totals()->events, kept.size() + 1);
  };
  check();
  expect_whole();
  start();
  check();
}

// A child appends and tells each acknowledged number through a pipe; it is killed in the middle.
TEST_F(SqliteFaults, EveryAcknowledgedEventIsThereAfterAKill) {
  std::map<EventSeq, std::string> acknowledged;
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      options.checkpoint_bytes = 64 << 10;  // checkpoints in between, too
      auto opened = open(options, clock, metrics);
      if (!opened) ::_exit(9);
      for (std::uint64_t i = 0;; ++i) {
        auto event = make_event("round " + std::to_string(round) + " " + std::to_string(i), clock.now());
        event.dedup = key(static_cast<std::uint64_t>(round) * 1'000'000 + i);
        event.dedup_window = 1h;
        std::promise<void> some;
        const bool hold = i % 16 == 15;
        (*opened)->append(std::move(event), [&, i, hold](Result<Appended> r) {
          std::uint64_t told[2] = {r ? r->seq : 0, i};
          if (::write(ends[1], told, sizeof(told)) != sizeof(told)) ::_exit(8);
          if (hold) some.set_value();
        });
        if (hold) some.get_future().get();
        if (i % 64 == 63) {
          std::vector<Plan> plans;
          for (const auto& waiting : *(*opened)->open_reader()->unplanned(0, 32))
            plans.push_back(make_plan(waiting.seq, "c", {make_delivery("crm", waiting.seq % 3)}, clock.now()));
          (*opened)->apply(std::move(plans), nullptr);
        }
      }
    }
    ::close(ends[1]);
    const std::size_t enough = 200 + static_cast<std::size_t>(round) * 137;
    std::uint64_t told[2];
    std::size_t count = 0;
    bool killed = false;
    while (::read(ends[0], told, sizeof(told)) == sizeof(told)) {
      ASSERT_NE(told[0], 0u);
      acknowledged[told[0]] = "round " + std::to_string(round) + " " + std::to_string(told[1]);
      if (++count >= enough && !killed) {
        ::kill(child, SIGKILL);
        killed = true;
      }
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    start();
    auto reader = store->open_reader();
    for (const auto& [seq, body] : acknowledged) {
      auto event = reader->event(seq);
      ASSERT_TRUE(event && *event) << seq;
      ASSERT_EQ((*event)->body, body);
    }
    expect_counters_right(*reader);
    expect_whole();
    for (std::uint64_t i = 0; i < 200; ++i)
      ASSERT_TRUE(
          append_once(*store, "x", now(), key(static_cast<std::uint64_t>(round) * 1'000'000 + i), 1h)->duplicate)
          << "its key is known";
    store.reset();
  }
}

}  // namespace
}  // namespace chatrelay::store::sqlite
