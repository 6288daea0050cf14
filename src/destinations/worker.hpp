// Worker: one thread of a destination's own for file I/O, so that a slow or full disk never blocks the delivery thread.
//
// Thread: run() on the delivery thread; the work itself on the worker's. Lifetime: the destructor waits for work that
// has begun; who awaits must have been cancelled or finished by then (attempts hold their destination).
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "common/clock.hpp"
#include "event/outcome.hpp"

namespace chatrelay::destinations {

// One attempt that waits for another thread to give it its outcome.
class Waiter {
 public:
  Waiter(boost::asio::any_io_executor executor, Millis timeout);
  // Thread: the executor's. The outcome, or `ambiguous` if the wait was cancelled or took too long (a disk that hangs):
  // the work may still be done.
  static boost::asio::awaitable<Outcome> wait(std::shared_ptr<Waiter> self);
  // Thread: the executor's. Wakes the attempt.
  void finish(Outcome outcome);

 private:
  boost::asio::steady_timer timer_;
  Outcome outcome_;
  bool done_ = false;
};

class Worker {
 public:
  explicit Worker(boost::asio::any_io_executor executor);
  ~Worker();
  boost::asio::awaitable<Outcome> run(std::function<Outcome()> work, Millis timeout);
  // Without an answer: for those who keep their own waiters.
  void post(std::function<void()> work);
  const boost::asio::any_io_executor& executor() const { return executor_; }

 private:
  boost::asio::any_io_executor executor_;
  boost::asio::thread_pool thread_;
};

}  // namespace chatrelay::destinations
