// The keys of the SQLite store by themselves, where a failed transaction meets a bucket that is being sealed.
#include "store/sqlite/dedup.hpp"

#include "unit/store/sqlite_fixture.hpp"

namespace chatrelay::store::sqlite {
namespace {

class DedupTest : public SqliteTest {
 protected:
  static Hash128 key(std::uint64_t n) { return {n * 0x9e3779b97f4a7c15u, n * 0xc2b2ae3d27d4eb4fu}; }
  void remember(Connection& db, Dedup& dedup, std::uint64_t first, std::uint64_t last) {
    for (auto seq = first; seq <= last; ++seq) dedup.remember(db, key(seq), seq, std::chrono::hours(24));
  }
  // One group: what `body` does, committed.
  template <class Body>
  void group(Connection& db, Dedup& dedup, Body body) {
    db.execute("BEGIN IMMEDIATE");
    body();
    db.execute("COMMIT");
    dedup.committed();
  }
  void seal_all(Connection& db, Dedup& dedup) {
    while (dedup.wants_work()) group(db, dedup, [&] { dedup.work(db, {}); });
  }
};

TEST_F(DedupTest, ANumberOfAFailedGroupIsNotTakenForSealed) {
  start();
  store.reset();
  Connection db(options.path, Connection::Mode::read_write);
  {
    Dedup dedup(clock, 4, 1000);
    dedup.load(db);
    group(db, dedup, [&] { remember(db, dedup, 1, 4); });  // a bucket's worth: its sealing begins
    group(db, dedup, [&] { remember(db, dedup, 5, 8); });  // the next one waits for it
    db.execute("BEGIN IMMEDIATE");
    remember(db, dedup, 9, 9);
    db.execute("ROLLBACK");
    dedup.roll_back(0);
    dedup.failed();
    while (dedup.buckets() == 0) group(db, dedup, [&] { dedup.work(db, {}); });
    group(db, dedup, [&] { remember(db, dedup, 9, 9); });  // the number is given again
    seal_all(db, dedup);
    EXPECT_EQ(dedup.buckets(), 2u);
    EXPECT_TRUE(dedup.seen(db, key(9)));
  }
  Dedup dedup(clock, 4, 1000);
  dedup.load(db);
  for (std::uint64_t seq = 1; seq <= 9; ++seq) EXPECT_TRUE(dedup.seen(db, key(seq))) << seq;
  EXPECT_FALSE(dedup.seen(db, key(10)));
}

}  // namespace
}  // namespace chatrelay::store::sqlite
