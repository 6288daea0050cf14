#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "common/async/deadline.hpp"
#include "common/async/inbox.hpp"
#include "common/async/task_group.hpp"
#include "common/log.hpp"

namespace chatrelay {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> sleep_for(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  auto wait = timer.async_wait(asio::use_awaitable);
  co_await std::move(wait);
}

asio::awaitable<std::string> text_after(std::chrono::milliseconds time, std::string text) {
  co_await sleep_for(time);
  co_return text;
}

// Runs one coroutine to its end; its exception comes out here.
template <class T>
T run(asio::awaitable<T> work) {
  asio::io_context context;
  std::optional<T> result;
  std::exception_ptr error;
  asio::co_spawn(context, std::move(work), [&](std::exception_ptr e, T value) {
    error = e;
    result = std::move(value);
  });
  context.run();
  if (error) std::rethrow_exception(error);
  return std::move(*result);
}

asio::awaitable<void> set_when_destroyed(std::shared_ptr<int> token, bool* reached_end) {
  co_await sleep_for(1h);
  *reached_end = true;
  (void)token;
}

TEST(TaskGroupTest, CancelsAndJoins) {
  asio::io_context context;
  TaskGroup group(context.get_executor(), "test");
  bool reached_end = false;
  const auto token = std::make_shared<int>();
  for (int i = 0; i < 3; ++i) group.spawn(set_when_destroyed(token, &reached_end));
  EXPECT_EQ(group.size(), 3u);
  std::optional<bool> joined;
  asio::co_spawn(context, group.join(10s), [&](std::exception_ptr, bool empty) { joined = empty; });
  context.poll();
  EXPECT_FALSE(joined);
  group.cancel_all();
  context.run();
  EXPECT_EQ(joined, true);
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(reached_end);
}

TEST(TaskGroupTest, JoinGivesUpWhenTheTimeIsOver) {
  asio::io_context context;
  TaskGroup group(context.get_executor(), "test");
  bool reached_end = false;
  group.spawn(set_when_destroyed(nullptr, &reached_end));
  std::optional<bool> joined;
  asio::co_spawn(context, group.join(1ms), [&](std::exception_ptr, bool empty) {
    joined = empty;
    group.cancel_all();
  });
  context.run();
  EXPECT_EQ(joined, false);
  EXPECT_EQ(group.size(), 0u);
}

TEST(TaskGroupTest, SeveralMayJoin) {
  asio::io_context context;
  TaskGroup group(context.get_executor(), "test");
  bool reached_end = false;
  group.spawn(set_when_destroyed(nullptr, &reached_end));
  int joined = 0;
  for (int i = 0; i < 3; ++i)
    asio::co_spawn(context, group.join(10s), [&](std::exception_ptr, bool empty) { joined += empty; });
  context.poll();
  group.cancel_all();
  context.run();
  EXPECT_EQ(joined, 3);
}

TEST(TaskGroupTest, AnEmptyGroupJoinsAtOnce) {
  asio::io_context context;
  TaskGroup group(context.get_executor(), "test");
  std::optional<bool> joined;
  asio::co_spawn(context, group.join(0ms), [&](std::exception_ptr, bool empty) { joined = empty; });
  context.run();
  EXPECT_EQ(joined, true);
}

TEST(TaskGroupTest, ClosedTakesNoMore) {
  asio::io_context context;
  TaskGroup group(context.get_executor(), "test");
  group.close();
  const auto token = std::make_shared<int>();
  bool reached_end = false;
  group.spawn(set_when_destroyed(token, &reached_end));
  EXPECT_EQ(group.size(), 0u);
  EXPECT_EQ(token.use_count(), 1);
}

asio::awaitable<void> fail() {
  co_await sleep_for(0ms);
  throw std::runtime_error("broken on purpose");
}

TEST(TaskGroupTest, LogsWhatEscapesAndGoesOn) {
  asio::io_context context;
  TaskGroup group(context.get_executor(), "the-group");
  group.spawn(fail());
  testing::internal::CaptureStderr();
  context.run();
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find("error coroutine failed group=the-group error=\"broken on purpose\""), std::string::npos) << line;
  EXPECT_EQ(group.size(), 0u);
}

TEST(TaskGroupTest, TheGroupMayGoBeforeTheContext) {
  const auto token = std::make_shared<int>();
  bool reached_end = false;
  {
    asio::io_context context;
    {
      TaskGroup group(context.get_executor(), "test");
      group.spawn(set_when_destroyed(token, &reached_end));
      context.poll();
    }
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Deadline, GivesTheValueInTime) {
  auto work = [](asio::awaitable<std::string> inner) -> asio::awaitable<std::optional<std::string>> {
    auto limited = with_deadline(std::move(inner), 10s);
    std::optional<std::string> result = co_await std::move(limited);
    co_return result;
  };
  EXPECT_EQ(run(work(text_after(1ms, "done"))), "done");
}

TEST(Deadline, CancelsWhatTakesTooLong) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(run(with_deadline(text_after(1h, "late"), 1ms)), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 1min);
}

TEST(Deadline, TakesWorkWithoutAValue) {
  EXPECT_TRUE(run(with_deadline(sleep_for(1ms), 10s)));
  EXPECT_FALSE(run(with_deadline(sleep_for(1h), 1ms)));
}

TEST(Deadline, ThrowsOnWhatTheWorkThrows) {
  EXPECT_THROW(run(with_deadline(fail(), 10s)), std::runtime_error);
}

TEST(Deadline, PassesTheCallersCancellationOn) {
  asio::io_context context;
  TaskGroup group(context.get_executor(), "test");
  const auto token = std::make_shared<int>();
  bool reached_end = false;
  auto outer = [](asio::awaitable<void> inner, bool* after) -> asio::awaitable<void> {
    auto limited = with_deadline(std::move(inner), 1h);
    co_await std::move(limited);
    *after = true;
  };
  bool after = false;
  group.spawn(outer(set_when_destroyed(token, &reached_end), &after));
  context.poll();
  EXPECT_EQ(token.use_count(), 2);
  group.cancel_all();
  context.run();
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(after);
  EXPECT_FALSE(reached_end);
}

TEST(InboxTest, ManyPutsAreOneWakeUp) {
  asio::io_context context;
  std::vector<std::vector<int>> taken;
  Inbox<int> inbox(context.get_executor(), [&](std::vector<int>&& values) { taken.push_back(std::move(values)); });
  for (int i = 0; i < 100; ++i) inbox.put(i);
  context.run();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].size(), 100u);
  context.restart();
  inbox.put(1);
  context.run();
  EXPECT_EQ(taken.size(), 2u);
}

TEST(InboxTest, LosesNothingFromManyThreads) {
  asio::io_context context;
  auto guard = asio::make_work_guard(context);
  std::size_t count = 0;
  Inbox<int> inbox(context.get_executor(), [&](std::vector<int>&& values) {
    count += values.size();
    if (count == 4000) guard.reset();
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) inbox.put(i);
    });
  context.run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 4000u);
}

TEST(InboxTest, DeliversNothingAfterItsEnd) {
  asio::io_context context;
  int taken = 0;
  {
    Inbox<int> inbox(context.get_executor(), [&](std::vector<int>&&) { ++taken; });
    inbox.put(1);
  }
  context.run();
  EXPECT_EQ(taken, 0);
}

}  // namespace
}  // namespace chatrelay
