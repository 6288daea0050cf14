// TaskGroup: every coroutine that is spawned belongs to one, so that shutting down is "cancel all, then wait".
// After Boost.Beast's task_group in its flex_awaitable example: a spawn is registered with its cancellation signal.
// Thread: the executor's only. An exception that leaves a coroutine is a bug: it is logged with the group's name and the process goes on.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <string>

namespace chatrelay {

class TaskGroup {
 public:
  TaskGroup(boost::asio::any_io_executor executor, std::string name);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts `task` on the executor. After close() new tasks are destroyed unstarted.
  void spawn(boost::asio::awaitable<void> task);
  // No more spawns are taken.
  void close() { closed_ = true; }
  void cancel_all(boost::asio::cancellation_type type = boost::asio::cancellation_type::terminal);
  // Waits until the group is empty or the time is over; true if empty.
  boost::asio::awaitable<bool> join(std::chrono::milliseconds limit);
  std::size_t size() const { return signals_.size(); }

 private:
  boost::asio::any_io_executor executor_;
  std::string name_;
  std::list<boost::asio::cancellation_signal> signals_;
  boost::asio::steady_timer empty_;
  bool closed_ = false;
};

}  // namespace chatrelay
