#include "destinations/worker.hpp"

#include <exception>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "destinations/outcome_text.hpp"

namespace chatrelay::destinations {

namespace asio = boost::asio;

namespace {

// Only running out of memory throws here; the attempt is then tried again like after any other local failure.
Outcome guarded(const std::function<Outcome()>& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    Outcome outcome(OutcomeClass::retry, bounded_reason(std::string("internal: ") + e.what()));
    outcome.destination_fault = true;
    return outcome;
  }
}

}  // namespace

Waiter::Waiter(asio::any_io_executor executor, Millis timeout) : timer_(std::move(executor), timeout) {}

asio::awaitable<Outcome> Waiter::wait(std::shared_ptr<Waiter> self) {
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  boost::system::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!self->done_) {
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return Outcome(OutcomeClass::ambiguous, "cut off while it was being written");
    }
    co_await self->timer_.async_wait(token);
    if (!self->done_ && !error) {
      Outcome late(OutcomeClass::ambiguous, "timed out while it was being written");
      late.destination_fault = true;
      co_return late;
    }
  }
  co_return std::move(self->outcome_);
}

void Waiter::finish(Outcome outcome) {
  outcome_ = std::move(outcome);
  done_ = true;
  timer_.cancel();
}

Worker::Worker(asio::any_io_executor executor) : executor_(std::move(executor)), thread_(1) {}

Worker::~Worker() {
  thread_.stop();  // what has not begun is dropped: nobody waits for it any more
  thread_.join();
}

asio::awaitable<Outcome> Worker::run(std::function<Outcome()> work, Millis timeout) {
  const auto waiter = std::make_shared<Waiter>(executor_, timeout);
  post([waiter, work = std::move(work), executor = executor_] {
    Outcome outcome = guarded(work);
    asio::post(executor, [waiter, outcome = std::move(outcome)]() mutable { waiter->finish(std::move(outcome)); });
  });
  auto waiting = Waiter::wait(waiter);
  Outcome outcome = co_await std::move(waiting);
  co_return outcome;
}

void Worker::post(std::function<void()> work) {
  asio::post(thread_, std::move(work));
}

}  // namespace chatrelay::destinations
