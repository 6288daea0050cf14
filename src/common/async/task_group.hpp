// TaskGroup: every coroutine that is spawned belongs to one, so that shutting down is "cancel all, then wait".
// After Boost.Beast's task_group in its flex_awaitable example: a spawn is registered with its cancellation signal.
// Thread: the executor's only. An exception that leaves a coroutine is a bug: it is logged with the group's name and
// the process goes on. Lifetime: join before what the coroutines refer to goes away. The group itself may go first: its
// state is shared with them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>

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
  void close();
  void cancel_all(boost::asio::cancellation_type type = boost::asio::cancellation_type::terminal);
  // Waits until the group is empty or the time is over; true if empty. Several may wait.
  boost::asio::awaitable<bool> join(std::chrono::milliseconds limit);
  std::size_t size() const;

 private:
  struct State;
  class Registration;
  static boost::asio::awaitable<bool> wait_until_empty(std::shared_ptr<State> state, std::chrono::milliseconds limit);
  std::shared_ptr<State> state_;
};

}  // namespace chatrelay
