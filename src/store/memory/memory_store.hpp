// A Store in memory that keeps the same contract: for tests of other rooms. Simple, not fast: listings look at
// everything.
//
// Thread: it has a writer thread of its own; callbacks and doorbells run there, in order, as with the SQLite store. A
// Reader may be used by any thread. backup() answers `invalid`: there is no file.
#pragma once

#include <memory>

#include "common/clock.hpp"
#include "store/store.hpp"

namespace chatrelay::store {

struct MemoryOptions {
  std::uint64_t queue_max = 5'000'000;
};

std::unique_ptr<Store> make_memory_store(const Clock& clock, MemoryOptions options = {});

}  // namespace chatrelay::store
