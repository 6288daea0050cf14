// Doorbell and Inbox: how a thread without Asio hands things to a thread with it.
//
// Many threads put, one executor takes. However many things are put before the taker runs, it is woken by one post:
// this is what makes one group commit cost one wake-up.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

namespace chatrelay {

// Lifetime: the state is shared with posted handlers, so a ring after the owner is gone does nothing.
template <class T>
class Inbox {
 public:
  // `take` runs on `executor` with everything put since it ran last. Never called after close() or destruction,
  // provided both happen on the executor's thread.
  Inbox(boost::asio::any_io_executor executor, std::function<void(std::vector<T>&&)> take)
      : state_(std::make_shared<State>(std::move(executor), std::move(take))) {}
  ~Inbox() { close(); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Thread: any.
  void put(T value) {
    bool ring = false;
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->closed) return;
      state_->values.push_back(std::move(value));
      ring = !std::exchange(state_->rung, true);
    }
    if (ring) boost::asio::post(state_->executor, [state = state_] { drain(*state); });
  }
  void close() {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
  }

 private:
  struct State {
    State(boost::asio::any_io_executor e, std::function<void(std::vector<T>&&)> t)
        : executor(std::move(e)), take(std::move(t)) {}
    boost::asio::any_io_executor executor;
    std::function<void(std::vector<T>&&)> take;
    std::mutex mutex;
    std::vector<T> values;
    bool rung = false;
    bool closed = false;
  };
  static void drain(State& state) {
    std::vector<T> values;
    {
      const std::lock_guard lock(state.mutex);
      state.rung = false;
      if (state.closed) return;
      values.swap(state.values);
    }
    state.take(std::move(values));
  }
  std::shared_ptr<State> state_;
};

}  // namespace chatrelay
