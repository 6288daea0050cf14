// StoreAnswer: what the store calls back with, waited for by a thread. Lifetime: shared with the callback.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "common/error.hpp"

namespace chatrelay::deliver {

template <class T>
class StoreAnswer {
 public:
  void set(Result<T> result) {
    {
      const std::lock_guard lock(mutex_);
      result_.emplace(std::move(result));
    }
    ready_.notify_one();
  }
  Result<T> wait() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return result_.has_value(); });
    return std::move(*result_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::optional<Result<T>> result_;
};

}  // namespace chatrelay::deliver
