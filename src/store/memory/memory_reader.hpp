// The memory store's Reader: takes the store's mutex for each call.
#pragma once

#include <memory>
#include <mutex>

#include "store/memory/tables.hpp"

namespace chatrelay::store::memory {

struct Shared {
  std::mutex mutex;
  Tables tables;  // protected by mutex
};

std::unique_ptr<Reader> make_reader(std::shared_ptr<Shared> shared);

}  // namespace chatrelay::store::memory
