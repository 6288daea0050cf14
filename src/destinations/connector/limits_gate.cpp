#include "destinations/connector/limits_gate.hpp"

#include <algorithm>
#include <memory>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace chatrelay::destinations::connector {

namespace asio = boost::asio;

namespace {

constexpr Millis come_back_min{100};  // who waits for a place cannot know for how long

Millis rounded_up(std::chrono::nanoseconds wait) {
  return std::chrono::ceil<Millis>(wait);
}

}  // namespace

asio::awaitable<LimitEntry> enter(LimitSet& limits, const Clock& clock, Millis patience) {
  LimitEntry entry;
  const auto executor = co_await asio::this_coro::executor;
  const SteadyTime until = clock.steady() + patience;
  constexpr auto token = asio::as_tuple(asio::use_awaitable);
  while (true) {
    const SteadyTime now = clock.steady();
    entry.permit = limits.try_take(now);
    if (entry.permit) co_return entry;
    const auto wait = limits.wait(now);
    const Millis left = std::chrono::duration_cast<Millis>(until - now);
    const Millis needed = wait ? rounded_up(*wait) : come_back_min;
    if (left.count() <= 0 || needed > left) {
      entry.come_back = needed;
      co_return entry;
    }
    asio::steady_timer timer(executor, wait ? needed : left);
    const auto wake = std::make_shared<SharedLimit::Wake>([&timer] { timer.cancel(); });
    if (!wait) limits.when_changed(wake);
    co_await timer.async_wait(token);
  }
}

}  // namespace chatrelay::destinations::connector
