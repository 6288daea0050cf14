// Commits: lets a coroutine wait until the store has committed a command, or refused it. The store's writer wakes all
// waiters of a group commit with one post.
//
// No timer: a wait ends when the store calls back, which it always does.
// Thread: the executor's, except for the store's callbacks.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "store/store.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

class Commits {
 public:
  explicit Commits(boost::asio::any_io_executor executor);
  // Lifetime: coroutines that still wait are destroyed here, on this thread; late callbacks find nobody.
  ~Commits();
  Commits(const Commits&) = delete;
  Commits& operator=(const Commits&) = delete;

  // Lifetime: `command` is moved from when the awaitable is awaited.
  boost::asio::awaitable<Result<bool>> commit(store::Store& store, store::Store::Command& command);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chatrelay::systems::rocketchat::endpoints
