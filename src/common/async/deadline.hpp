// with_deadline: an awaitable with a time limit. Every await that leaves the process goes through it (Boost 1.81 has no
// cancel_after).
//
// When the time is over the work is cancelled (terminal) and awaited to its end: work that ignores cancellation still
// holds its caller. If it finished all the same, its value counts. What it throws otherwise is thrown on. The value's
// type needs a default constructor. Cancelling the caller cancels the work.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace chatrelay {
namespace detail {

inline bool time_over(const std::array<std::size_t, 2>& order, const boost::system::error_code& timer_error) {
  return order[0] == 1 && !timer_error;
}

}  // namespace detail

// nullopt: the time was over.
template <class T>
boost::asio::awaitable<std::optional<T>> with_deadline(boost::asio::awaitable<T> work,
                                                       std::chrono::milliseconds limit) {
  namespace asio = boost::asio;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, limit);
  auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(work), asio::deferred),
                                                       timer.async_wait(asio::deferred));
  const asio::experimental::wait_for_one first_to_end;
  auto both = group.async_wait(first_to_end, asio::use_awaitable);
  auto ended = co_await std::move(both);
  const std::exception_ptr& error = std::get<1>(ended);
  if (!error) co_return std::optional<T>(std::move(std::get<2>(ended)));
  if (!detail::time_over(std::get<0>(ended), std::get<3>(ended))) std::rethrow_exception(error);
  co_return std::nullopt;
}

// false: the time was over.
inline boost::asio::awaitable<bool> with_deadline(boost::asio::awaitable<void> work, std::chrono::milliseconds limit) {
  namespace asio = boost::asio;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, limit);
  auto group = asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(work), asio::deferred),
                                                       timer.async_wait(asio::deferred));
  const asio::experimental::wait_for_one first_to_end;
  auto both = group.async_wait(first_to_end, asio::use_awaitable);
  auto ended = co_await std::move(both);
  const std::exception_ptr& error = std::get<1>(ended);
  if (!error) co_return true;
  if (!detail::time_over(std::get<0>(ended), std::get<2>(ended))) std::rethrow_exception(error);
  co_return false;
}

}  // namespace chatrelay
