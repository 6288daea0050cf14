// Opening, locking, migrating, copying and restoring the file.
#include <atomic>
#include <fstream>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto.hpp"
#include "unit/store/sqlite_fixture.hpp"

namespace chatrelay::store::sqlite {
namespace {

using namespace std::chrono_literals;
using namespace contract;

class SqliteFiles : public SqliteTest {
 protected:
  void sql(const std::string& path, const std::string& text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  std::string refusal() {
    auto opened = open(options, clock, metrics);
    EXPECT_FALSE(opened);
    if (opened) return "";
    EXPECT_EQ(opened.error().kind, ErrorKind::invalid);
    return opened.error().message;
  }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
};

TEST_F(SqliteFiles, ASecondStoreOnTheSameFileIsRefused) {
  start();
  EXPECT_TRUE(has(refusal(), "in use by another chatrelay"));
  store.reset();
  start();
}

TEST_F(SqliteFiles, WhatCannotBeAStoreIsRefusedWithAReason) {
  options.path = directory + "/missing/store.db";
  EXPECT_TRUE(has(refusal(), "does not exist"));
  options.path = directory + "/text.db";
  std::ofstream(options.path) << std::string(5000, 'x');
  EXPECT_TRUE(has(refusal(), "not a SQLite database"));
  options.path = directory + "/other.db";
  sql(options.path, "CREATE TABLE theirs(x)");
  EXPECT_TRUE(has(refusal(), "not a store of chatrelay"));
  options.path = directory;
  EXPECT_FALSE(refusal().empty());
}

TEST_F(SqliteFiles, AFileThatMayNotBeWrittenIsRefused) {
  start();
  store.reset();
  std::filesystem::permissions(options.path, std::filesystem::perms::owner_read | std::filesystem::perms::others_read);
  std::filesystem::permissions(directory, std::filesystem::perms::all);
  std::filesystem::permissions(options.path + ".lock", std::filesystem::perms::all);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(7);  // root may write everything
    auto opened = open(options, clock, metrics);
    ::_exit(!opened && opened.error().kind == ErrorKind::invalid && has(opened.error().message, "writable") ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteFiles, EverythingIsThereAfterAReopen) {
  start();
  auto seqs = plan_new(*store, now(), {make_delivery("crm", 1), make_delivery("crm", 1)}, "c");
  append_once(*store, "x", now(), key(1), 24h);
  DestinationState paused;
  paused.name = "crm";
  paused.paused = true;
  ASSERT_TRUE(wait<bool>([&](auto done) { store->save_destination(paused, done); }));
  for (std::uint64_t i = 100; i < 300; ++i) append_once(*store, "x", now(), key(i), 24h);
  start();
  auto reader = store->open_reader();
  EXPECT_EQ(due(*reader, "crm", now()), (std::vector<DeliverySeq>{seqs[0]}));
  EXPECT_TRUE((*reader->destination_states())[0].paused);
  EXPECT_TRUE(append_once(*store, "x", now(), key(1), 24h)->duplicate);
  for (std::uint64_t i = 100; i < 300; ++i) EXPECT_TRUE(append_once(*store, "x", now(), key(i), 24h)->duplicate) << i;
  expect_counters_right(*reader);
  auto more = plan_new(*store, now(), {make_delivery("crm", 1)});
  EXPECT_GT(more[0], seqs[1]);
  EXPECT_EQ(due(*reader, "crm", now()), (std::vector<DeliverySeq>{seqs[0]}));
}

TEST_F(SqliteFiles, OverARestartAKeyIsNeverTakenForADuplicateFurtherAwayThanItsWindow) {
  start();
  append_once(*store, "x", now(), key(1), 2min);
  append_once(*store, "x", now(), key(2), 24h);
  store.reset();
  clock.jump_wall(-1h);  // the clock had been wrong
  start();
  EXPECT_FALSE(append_once(*store, "x", now(), key(1), 2min)->duplicate);
  EXPECT_TRUE(append_once(*store, "x", now(), key(2), 24h)->duplicate);
}

TEST_F(SqliteFiles, AStoreFromBeforeWeServedConversationsGetsTheirTables) {
  const std::vector<Migration> first{migrations().front()};
  options.migrations = &first;
  start();
  const auto seq = append(*store, make_event("kept", now()))->seq;
  store.reset();
  options.migrations = nullptr;
  start();
  EXPECT_EQ((**store->open_reader()->event(seq)).body, "kept");
  EXPECT_FALSE(*store->open_reader()->own_visitor("site", "t"));
  EXPECT_TRUE(std::filesystem::exists(options.path + ".before-1"));
}

TEST_F(SqliteFiles, DeliveriesOfAStoreFromBeforeLinksGoOn) {
  const std::vector<Migration> before{migrations().begin(), migrations().begin() + 3};
  options.migrations = &before;
  { ASSERT_TRUE(open(options, clock, metrics)); }
  sql(options.path,
      "INSERT INTO names VALUES(1,'r'),(2,'crm'),(3,'post'); INSERT INTO deliveries "
      "VALUES(1,7,1,0,1,2,3,5,1,0,1,0,0,0,0,0,NULL,NULL); INSERT INTO payloads VALUES(1,'{}'); INSERT INTO "
      "counters(kind,id,a) "
      "VALUES(1,2,1); INSERT OR REPLACE INTO counters VALUES(0,0,0,0,1,1,2,2,1)");
  options.migrations = nullptr;
  start();
  const auto head = store->open_reader()->due("crm", now(), 10, {});
  ASSERT_EQ(head->size(), 1u);
  EXPECT_EQ((*head)[0].payload, "{}");
  EXPECT_EQ((*head)[0].lock, std::nullopt);
  auto result = attempt(1, DeliveryState::delivered, now());
  result.subject = {"livechat", "V1", "C1", ""};
  result.saved = {{LinkScope::chat, "ticket", "7"}};
  EXPECT_TRUE(*record(*store, result));
  EXPECT_TRUE(*store->open_reader()->has_links("crm"));
}

TEST_F(SqliteFiles, ADamagedTableDoesNotKeepTheOthersForEver) {
  start();
  for (int i = 0; i < 3; ++i) (void)plan_new(*store, now(), {});
  store.reset();
  sql(options.path, "DROP TABLE own_gone");
  start();
  const WallTime later = now() + 48h;
  bool failed = false;
  for (int i = 0; i < 40; ++i)
    failed |= !wait<bool>([&](auto done) { store->prune({later, later, later}, 100, done); });
  EXPECT_TRUE(failed) << "it is said";
  EXPECT_EQ(store->open_reader()->totals()->events, 0U);
}

TEST_F(SqliteFiles, AnOlderStoreIsCopiedAndThenMigrated) {
  start();
  auto seq = append(*store, make_event("kept", now()))->seq;
  store.reset();
  auto steps = migrations();
  const int known = steps.back().version;
  steps.push_back({known + 1, "0.2.0", "ALTER TABLE events ADD COLUMN colour TEXT DEFAULT 'red'"});
  steps.push_back({known + 2, "0.3.0", "CREATE TABLE later(x)"});
  options.migrations = &steps;
  start();
  EXPECT_EQ((**store->open_reader()->event(seq)).body, "kept");
  store.reset();
  const std::string copy = options.path + ".before-" + std::to_string(known);
  ASSERT_TRUE(std::filesystem::exists(copy));
  // The copy is a whole store of the old version.
  auto migrated = options.path;
  options.path = copy;
  options.migrations = nullptr;
  start();
  EXPECT_EQ((**store->open_reader()->event(seq)).body, "kept");
  store.reset();
  // And this chatrelay refuses the new one, naming what can read it.
  options.path = migrated;
  auto why = refusal();
  EXPECT_TRUE(has(why, "newer chatrelay")) << why;
  EXPECT_TRUE(has(why, "0.3.0 or newer")) << why;
}

TEST_F(SqliteFiles, AMigrationThatFailsLeavesTheStoreAsItWas) {
  start();
  auto seq = append(*store, make_event("kept", now()))->seq;
  store.reset();
  auto steps = migrations();
  steps.push_back({steps.back().version + 1, "0.2.0", "CREATE TABLE half(x); INSERT INTO nowhere VALUES(1)"});
  options.migrations = &steps;
  ASSERT_FALSE(open(options, clock, metrics));
  options.migrations = nullptr;
  start();
  EXPECT_EQ((**store->open_reader()->event(seq)).body, "kept");
}

TEST_F(SqliteFiles, ABackupBesideWritesIsAConsistentStore) {
  start();
  for (int i = 0; i < 300; ++i)
    plan_new(*store, now(), {make_delivery("crm", static_cast<LaneId>(i % 7))}, "c" + std::to_string(i % 5));
  const auto copy = directory + "/copy.db";
  std::promise<Result<std::uint64_t>> finished;
  std::atomic<bool> writing{true};
  store->backup(copy, [&](Result<std::uint64_t> r) {
    writing = false;
    finished.set_value(std::move(r));
  });
  std::size_t beside = 0;
  do {
    plan_new(*store, now(), {make_delivery("crm", 1)});
    ++beside;
  } while (writing);
  auto bytes = finished.get_future().get();
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(*bytes, std::filesystem::file_size(copy));
  EXPECT_FALSE(std::filesystem::exists(copy + ".partial"));
  auto again = wait<std::uint64_t>([&](auto done) { store->backup(copy, done); });
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  store.reset();
  options.path = copy;
  start();
  auto reader = store->open_reader();
  EXPECT_GE(reader->totals()->events, 300u);
  EXPECT_LE(reader->totals()->events, 300u + beside);
  expect_counters_right(*reader);
}

TEST_F(SqliteFiles, NobodyElseMayReadTheStoreOrABackup) {
  start();
  append(*store, make_event("private", now()));
  const auto copy = directory + "/copy.db";
  ASSERT_TRUE(wait<std::uint64_t>([&](auto done) { store->backup(copy, done); }));
  for (const std::string& file : {options.path, options.path + "-wal", copy}) {
    const auto others = std::filesystem::status(file).permissions() & std::filesystem::perms::others_all;
    EXPECT_EQ(others, std::filesystem::perms::none) << file;
  }
}

TEST_F(SqliteFiles, ABackupThatCannotBeWrittenSaysSo) {
  start();
  auto r = wait<std::uint64_t>([&](auto done) { store->backup(directory + "/missing/copy.db", done); });
  ASSERT_FALSE(r);
  EXPECT_TRUE(append(*store, make_event("x", now())));
}

TEST_F(SqliteFiles, ARestoreSwapsTheStoreAndTreatsPendingDeliveriesAsAsked) {
  for (auto mode : {RestorePending::keep, RestorePending::hold, RestorePending::cancel}) {
    options.path = directory + "/store" + std::to_string(static_cast<int>(mode)) + ".db";
    start();
    auto seqs =
        plan_new(*store, now(),
                 {make_delivery("crm", 1), make_delivery("crm", 1), make_delivery("mail", 2), make_delivery("crm", 3)});
    record(*store, attempt(seqs[2], DeliveryState::delivered, now()));
    record(*store, attempt(seqs[3], DeliveryState::deferred, now(), now() + 1h));
    const auto copy = options.path + ".backup";
    ASSERT_TRUE(wait<std::uint64_t>([&](auto done) { store->backup(copy, done); }));
    auto later = append(*store, make_event("after the backup", now()))->seq;
    auto busy = restore(copy, options.path, mode, now());
    ASSERT_FALSE(busy) << "a daemon has it open";
    store.reset();
    auto restored = restore(copy, options.path, mode, now());
    ASSERT_TRUE(restored) << restored.error().message;
    start();
    auto reader = store->open_reader();
    EXPECT_FALSE(*reader->event(later));
    const auto expected = mode == RestorePending::keep   ? DeliveryState::pending
                          : mode == RestorePending::hold ? DeliveryState::held
                                                         : DeliveryState::cancelled;
    EXPECT_EQ((**reader->delivery(seqs[0])).state, expected);
    EXPECT_EQ((**reader->delivery(seqs[2])).state, DeliveryState::delivered);
    EXPECT_EQ(due(*reader, "crm", now()).size(), mode == RestorePending::keep ? 1u : 0u);
    expect_counters_right(*reader);
    if (mode == RestorePending::hold) {
      EXPECT_EQ(*wait<std::size_t>([&](auto done) { store->release_held("crm", now(), done); }), 3u);
      EXPECT_EQ(due(*reader, "crm", now()).size(), 2u);
    }
    store.reset();
    options.path += ".replaced";
    start();
    EXPECT_TRUE(*store->open_reader()->event(later)) << "the old one is kept whole";
    store.reset();
  }
}

TEST_F(SqliteFiles, WhatIsNoBackupIsNotRestored) {
  start();
  auto seq = append(*store, make_event("x", now()))->seq;
  store.reset();
  const auto bad = directory + "/bad.db";
  std::ofstream(bad) << std::string(5000, 'x');
  EXPECT_FALSE(restore(bad, options.path, RestorePending::keep, now()));
  EXPECT_EQ(restore(directory + "/none", options.path, RestorePending::keep, now()).error().kind, ErrorKind::not_found);
  sql(directory + "/theirs.db", "CREATE TABLE x(y)");
  EXPECT_FALSE(restore(directory + "/theirs.db", options.path, RestorePending::keep, now()));
  start();
  EXPECT_TRUE(*store->open_reader()->event(seq));
}

TEST_F(SqliteFiles, TheWriteAheadLogStaysBoundedAlsoWithAReaderAtWork) {
  options.checkpoint_bytes = 256 << 10;
  options.wal_bytes_max = 1 << 20;
  start();
  auto reader = store->open_reader();
  const std::string body(4000, 'x');
  std::uint64_t most = 0;
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(append(*store, make_event(body, now())));
    if (i % 10 == 0) reader->unplanned(0, 5);
    most = std::max(most, std::uint64_t(std::filesystem::file_size(options.path + "-wal")));
  }
  EXPECT_LT(most, 3u << 20);
}

TEST_F(SqliteFiles, LongBackgroundWorkIsDoneInSlicesAndLetsAppendsThrough) {
  options.background_slice = options.background_slice_alone = Millis(1);
  start();
  std::vector<DeliverySeq> all;
  for (int i = 0; i < 20; ++i) {
    std::vector<NewDelivery> fresh;
    for (int n = 0; n < 100; ++n) fresh.push_back(make_delivery("crm", static_cast<LaneId>(i * 100 + n)));
    auto seqs = plan_new(*store, now(), fresh);
    all.insert(all.end(), seqs.begin(), seqs.end());
  }
  std::atomic<bool> cancelled{false};
  std::promise<std::size_t> done;
  store->cancel(all, "all", now(), [&](Result<std::size_t> r) {
    cancelled = true;
    done.set_value(r ? *r : 0);
  });
  int between = 0;
  while (!cancelled) {
    ASSERT_TRUE(append(*store, make_event("x", now())));
    ++between;
  }
  EXPECT_EQ(done.get_future().get(), 2000u);
  EXPECT_GT(between, 3);
  expect_counters_right(*store->open_reader());
}

}  // namespace
}  // namespace chatrelay::store::sqlite
