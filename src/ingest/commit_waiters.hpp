// CommitWaiters: lets a coroutine wait for the store's callback. The store's writer thread wakes all waiters of a group
// commit with one post; nothing is allocated for a request once the pool is warm.
//
// No timer: a wait ends when the store calls back, which it always does. The sender's deadline is kept by Admission.
// Thread: the executor's, except for the store's callbacks.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "store/store.hpp"

namespace chatrelay::ingest {

class CommitWaiters {
 public:
  explicit CommitWaiters(boost::asio::any_io_executor executor);
  // Lifetime: coroutines that still wait are destroyed here, on this thread; late callbacks find nobody.
  ~CommitWaiters();
  CommitWaiters(const CommitWaiters&) = delete;
  CommitWaiters& operator=(const CommitWaiters&) = delete;

  // Appends and waits until the event is committed and synced, or refused. Lifetime: `event` is moved from at once.
  boost::asio::awaitable<Result<store::Appended>> append(store::Store& store, store::NewEvent& event);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chatrelay::ingest
