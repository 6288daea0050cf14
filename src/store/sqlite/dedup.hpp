// Dedup: has this webhook been here before? Built like a log-structured merge tree, because one index over random keys
// on the accept path halves its rate: recent keys lie in memory (and, append-only, in dedup_recent); when there are
// `bucket_keys` of them they are sealed, in slices beside the appends, into a sorted bucket with a Bloom filter;
// expired buckets go whole. A start reads dedup_recent and the Bloom filters, not the keys.
//
// A key counts as seen if it was seen less than its window away from now, before or after. Time here is wall time at
// the start plus steady time since, so a wall clock that jumps while we run changes nothing. Over a restart only the
// wall clock is left: if it went back by more than a window, or forward, the same webhook may be taken twice; it is
// never dropped for a key that lies further away than its window. Twice is a nuisance, dropped would be a loss.
//
// Limit: keys_max keys in sealed buckets (12 bits of memory each); beyond, the oldest bucket is forgotten early.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "common/clock.hpp"
#include "common/crypto.hpp"
#include "store/sqlite/bloom.hpp"
#include "store/sqlite/database.hpp"

namespace chatrelay::store::sqlite {

class Dedup {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  Dedup(const Clock& clock, std::size_t bucket_keys, std::size_t keys_max);

  void load(Connection& db);
  bool seen(Connection& db, const Hash128& key);
  void remember(Connection& db, const Hash128& key, std::uint64_t seq, Millis window);

  std::size_t mark() const { return log_.size(); }
  void roll_back(std::size_t mark);
  void committed();
  void failed();  // the transaction that held work() was rolled back

  // Sealing and forgetting, inside a transaction, until the deadline; a step at least. True while there is more to do.
  bool wants_work() const;
  bool behind() const { return recent_.size() > 2 * bucket_keys_; }
  void work(Connection& db, Deadline deadline);

  std::size_t recent_keys() const { return recent_.size(); }
  std::size_t buckets() const { return buckets_.size(); }

 private:
  struct Seen {
    std::int64_t at_ms = 0;
    std::int64_t window_ms = 0;
  };
  struct KeyHash {
    using is_avalanching = void;  // SipHash values are mixed already
    std::size_t operator()(const Hash128& key) const { return key.low; }
  };
  using Map = boost::unordered_flat_map<Hash128, Seen, KeyHash>;
  struct Bucket {
    std::uint64_t number;
    std::int64_t max_expires;
    std::uint64_t keys;
    Bloom bloom;
  };
  struct Entry {
    Hash128 key;
    Seen seen;
  };
  struct Undo {
    Hash128 key;
    std::optional<Seen> before;
    std::uint64_t last_seq_before;
  };
  // One bucket on its way to disk. Every phase can be begun again: what it writes it writes over.
  struct Sealing {
    enum class Phase { spread, insert, publish, published };
    Map map;
    std::uint64_t upto_seq = 0;
    std::uint64_t number = 0;
    Phase phase = Phase::spread;
    Map::iterator at;
    std::vector<std::vector<Entry>> parts;  // by the key's first byte: sorting a part is short, sorting all would stall
    std::size_t next_part = 0;
    std::uint64_t live = 0;
    std::int64_t max_expires = 0;
    std::unique_ptr<Bloom> bloom;
  };

  std::int64_t now_ms() const;
  bool counts(const Seen& seen) const;
  void rotate();
  void step(Connection& db);
  void step_sealing(Connection& db);
  void spread();
  void insert_part(Connection& db);
  void publish(Connection& db);
  void forget_step(Connection& db);
  void clean_step(Connection& db);
  const Bucket* expired_bucket() const;

  const Clock& clock_;
  const std::size_t bucket_keys_, keys_max_;
  WallTime wall_start_;
  SteadyTime steady_start_;
  Map recent_;
  std::uint64_t last_seq_ = 0;  // of the last remembered key
  std::unique_ptr<Sealing> sealing_;
  std::vector<Bucket> buckets_;  // oldest first
  std::uint64_t sealed_keys_ = 0;
  std::uint64_t next_bucket_ = 1;
  std::uint64_t clean_upto_ = 0;  // rows of dedup_recent up to here are in a bucket or expired
  bool clean_done_ = true;
  std::deque<std::uint64_t> forgetting_;  // buckets whose keys are still on disk
  std::vector<Undo> log_;
  // What work() did in this transaction; taken over by committed(), undone by failed().
  bool published_now_ = false, clean_done_now_ = false, forgot_now_ = false;
  std::optional<std::uint64_t> dropped_now_;
};

}  // namespace chatrelay::store::sqlite
