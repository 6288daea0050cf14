#include "destinations/worker.hpp"

#include <future>
#include <stdexcept>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using destinations::testing::run;

TEST(Worker, RunsElsewhereAndComesBack) {
  boost::asio::io_context io{1};
  Worker worker(io.get_executor());
  std::thread::id other;
  std::function<Outcome()> work = [&] {
    other = std::this_thread::get_id();
    return Outcome(OutcomeClass::duplicate, "there");
  };
  const Outcome outcome = run(io, worker.run(work, Millis{30'000}));
  EXPECT_EQ(outcome.klass, OutcomeClass::duplicate);
  EXPECT_EQ(outcome.reason, "there");
  EXPECT_TRUE(other != std::this_thread::get_id());
}

TEST(Worker, AnExceptionIsATemporaryFailure) {
  boost::asio::io_context io{1};
  Worker worker(io.get_executor());
  std::function<Outcome()> work = []() -> Outcome { throw std::runtime_error("no memory"); };
  const Outcome outcome = run(io, worker.run(work, Millis{30'000}));
  EXPECT_EQ(outcome.klass, OutcomeClass::retry);
  EXPECT_TRUE(outcome.destination_fault);
}

TEST(Worker, ADiskThatHangsIsAmbiguousAfterItsTime) {
  boost::asio::io_context io{1};
  std::promise<void> release;
  Worker worker(io.get_executor());
  std::function<Outcome()> work = [future = release.get_future().share()] {
    future.wait();
    return Outcome{};
  };
  EXPECT_EQ(run(io, worker.run(work, Millis{20})).klass, OutcomeClass::ambiguous);
  release.set_value();
}

TEST(Worker, ATerminalCancellationEndsTheWait) {
  boost::asio::io_context io{1};
  std::promise<void> release;
  Worker worker(io.get_executor());
  std::function<Outcome()> work = [future = release.get_future().share()] {
    future.wait();
    return Outcome{};
  };
  boost::asio::cancellation_signal signal;
  std::optional<Outcome> result;
  bool threw = false;
  auto done = [&](std::exception_ptr e, Outcome outcome) {
    threw = e != nullptr;
    result = std::move(outcome);
  };
  boost::asio::co_spawn(io, worker.run(work, Millis{30'000}), boost::asio::bind_cancellation_slot(signal.slot(), done));
  boost::asio::post(io, [&] { signal.emit(boost::asio::cancellation_type::terminal); });
  io.run();
  EXPECT_FALSE(threw);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->klass, OutcomeClass::ambiguous);
  release.set_value();
}
