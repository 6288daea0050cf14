// Waiter: a callback for another thread (the store's writer, the planner, the reader), awaited here with a deadline.
//
// Lifetime: the state is shared with the callback, so a callback that comes after the deadline, or after the awaiting
// coroutine is gone, changes nothing. The executor's context must outlive whoever holds the callback.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay::admin::api {

template <class T>
class Waiter {
 public:
  explicit Waiter(boost::asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

  // Thread: any may call it, once.
  std::function<void(Result<T>)> callback() const {
    return [state = state_](Result<T> result) {
      boost::asio::post(state->executor, [state, answer = std::move(result)]() mutable {
        state->result.emplace(std::move(answer));
        state->ready.cancel();
      });
    };
  }

  // Thread: the executor's. Errors: what the callback was given; unavailable when nothing came in time (it may still be
  // done).
  boost::asio::awaitable<Result<T>> wait(Millis limit) {
    const auto state = state_;
    if (!state->result) {
      state->ready.expires_after(limit);
      constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
      co_await state->ready.async_wait(token);
    }
    if (!state->result) co_return unavailable("no answer within the time limit; it may still be carried out");
    co_return std::move(*state->result);
  }

 private:
  struct State {
    explicit State(boost::asio::any_io_executor e) : executor(e), ready(std::move(e)) {}
    boost::asio::any_io_executor executor;
    boost::asio::steady_timer ready;
    std::optional<Result<T>> result;
  };
  std::shared_ptr<State> state_;
};

}  // namespace chatrelay::admin::api
