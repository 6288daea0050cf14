// The SQLite store. One file, WAL, synchronous=FULL; one connection writes and checkpoints (Invariant 7).
// Seen by app (and tests) alone.
//
// Appends wait for at most one group that is under way and one slice of background work. After a full or failing disk
// every write answers `unavailable`, nothing of it is kept, and the next one tries again: no restart is needed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/metrics.hpp"
#include "store/sqlite/migrations.hpp"
#include "store/store.hpp"

namespace chatrelay::store::sqlite {

struct Options {
  std::string path;
  std::size_t group_max = 1024;       // appends and commands in one commit
  Millis background_slice{5};         // time that background work gets now and then while appends come without a break
  Millis background_slice_alone{20};  // the same while none wait; one that comes ends it
  std::uint64_t queue_max =
      5'000'000;  // open deliveries + unplanned events; above: appends and commands fail with unavailable
  std::size_t waiting_max = 65'536;         // Limit: appends and commands not yet committed; above: unavailable
  std::size_t dedup_bucket_keys = 200'000;  // keys in memory until they are sealed: some 10 MB
  std::size_t dedup_keys_max = 32'000'000;  // Limit: sealed keys whose Bloom filters stay in memory: 48 MB
  // WAL that is copied into the file at once. Much, and pages that many commits wrote are copied once; little, while
  // many senders wait for their answer: some milliseconds.
  std::uint64_t checkpoint_bytes = 64u << 20, checkpoint_bytes_pressed = 2u << 20;
  std::uint64_t wal_bytes_max =
      256u << 20;  // Limit: beyond, readers are waited for (briefly) to start the WAL anew and shorten it
  std::uint64_t file_pages_max = 0;  // Limit: pages of 4 KiB; 0: the disk's
  // Fault injection for tests: called before the Nth writing step/commit; returns an SQLite result code to fail with, 0
  // to go on. Thread: the store's writer.
  std::function<int(std::uint64_t nth, const char* what)> fault;
  const std::vector<Migration>* migrations = nullptr;  // for tests; nullptr: migrations()
};

// Opens, migrates (copying the file first to PATH.before-<version>), recovers, starts the writer thread.
// Errors: invalid with the reason and what to do: the folder is missing, not writable, locked by another chatrelay, not
// a chatrelay store, or written by a newer version (the version needed is named).
Result<std::unique_ptr<Store>> open(Options options, const Clock& clock, Metrics& metrics);

// Replaces the store at `path` by the backup `from`; only while no daemon has it open. The old file is kept as
// PATH.replaced.
Result<void> restore(const std::string& from, const std::string& path, RestorePending pending, WallTime now);

}  // namespace chatrelay::store::sqlite
