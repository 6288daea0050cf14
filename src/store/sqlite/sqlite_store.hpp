// The SQLite store. One file, WAL, synchronous=FULL; one connection writes and checkpoints (Invariant 7).
// Seen by app (and tests) alone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/metrics.hpp"
#include "store/store.hpp"

namespace chatrelay::store::sqlite {

struct Options {
  std::string path;
  std::size_t group_max = 1024;               // appends in one commit
  Millis background_slice{5};                 // time of a group that background work may take while appends wait
  std::uint64_t queue_max = 5'000'000;        // open deliveries + unplanned events; above: append fails with unavailable
  // Fault injection for tests: called before the Nth SQLite step/commit/sync; returns an SQLite result code to fail with, 0 to go on.
  std::function<int(std::uint64_t nth, const char* what)> fault;
};

// Opens, migrates (copying the file first to PATH.before-<version>), recovers, starts the writer thread.
// Errors: invalid with the reason and what to do: the folder is missing, not writable, locked by another chatrelay, not a
// chatrelay store, or written by a newer version (the version needed is named).
Result<std::unique_ptr<Store>> open(Options options, const Clock& clock, Metrics& metrics);

// Replaces the store at `path` by the backup `from`; only while no daemon has it open. The old file is kept as PATH.replaced.
Result<void> restore(const std::string& from, const std::string& path, RestorePending pending, WallTime now);

}  // namespace chatrelay::store::sqlite
