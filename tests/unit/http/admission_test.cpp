#include "http/admission.hpp"

#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "http/resolver.hpp"
#include "support.hpp"

namespace chatrelay::http {
namespace {

namespace asio = boost::asio;

class Admitting : public testing::Test {
 protected:
  // Asks for a slot; it is in `held` when it was given.
  void ask(const std::string& group, Millis patience = Millis{60'000}) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto work = [](Admission& a, std::string g, SteadyTime d, std::deque<std::pair<std::string, Admission::Slot>>& out,
                   int& refused_count) -> asio::awaitable<void> {
      auto slot = co_await a.enter(g, d);
      if (slot) {
        out.emplace_back(g, std::move(slot));
      } else {
        ++refused_count;
      }
    }(admission, group, deadline, held, refused);
    asio::co_spawn(context, std::move(work), asio::detached);
    turn();
  }
  void turn() {
    context.restart();
    context.poll();
  }
  std::size_t holds(const std::string& group) const {
    return static_cast<std::size_t>(
        std::count_if(held.begin(), held.end(), [&](const auto& h) { return h.first == group; }));
  }
  void release_one(const std::string& group) {
    const auto at = std::find_if(held.begin(), held.end(), [&](const auto& h) { return h.first == group; });
    ASSERT_NE(at, held.end());
    held.erase(at);
    turn();
  }
  asio::io_context context;
  Admission admission{context.get_executor(), 8};
  std::deque<std::pair<std::string, Admission::Slot>> held;
  int refused = 0;
};

TEST_F(Admitting, OneGroupAloneGetsHalf) {
  for (int i = 0; i < 20; ++i) ask("a");
  EXPECT_EQ(holds("a"), 4u);
}

TEST_F(Admitting, EveryGroupGetsOneHoweverManyHang) {
  for (int g = 0; g < 30; ++g) {
    for (int i = 0; i < 5; ++i) ask("g" + std::to_string(g));
    EXPECT_GE(holds("g" + std::to_string(g)), 1u) << g;
  }
}

TEST_F(Admitting, ReleasedSlotsGoAroundTheGroups) {
  for (int i = 0; i < 10; ++i) ask("a");
  for (int i = 0; i < 10; ++i) ask("b");
  const auto b_before = holds("b");
  EXPECT_GE(b_before, 1u);
  while (holds("a") > 1) release_one("a");
  EXPECT_GT(holds("b"), b_before);
  for (int i = 0; i < 60 && !held.empty(); ++i) release_one(held.front().first);
  EXPECT_EQ(admission.active(), 0u);
  EXPECT_EQ(refused, 0) << "all waiting ones were served";
}

TEST_F(Admitting, WaitingEndsAtItsDeadlineAndAtTheEnd) {
  for (int i = 0; i < 4; ++i) ask("a");
  ask("a", Millis{1});
  context.restart();
  context.run_for(Millis{50});
  EXPECT_EQ(refused, 1);
  ask("a");
  admission.close();
  turn();
  EXPECT_EQ(refused, 2);
  ask("z");
  EXPECT_EQ(refused, 3);
}

class Resolving : public testing::Test {
 protected:
  ~Resolving() override {
    loop.on_loop([this] { resolver.reset(); });
    loop.stop();
  }
  void make(std::size_t threads, ResolveFunction function) {
    loop.on_loop(
        [&] { resolver = std::make_unique<Resolver>(loop.context.get_executor(), threads, std::move(function)); });
  }
  std::future<std::shared_ptr<const Resolution>> ask(const std::string& host, Millis patience = Millis{4000}) {
    auto work = resolver->resolve(host, std::chrono::steady_clock::now() + patience);
    return loop.begin(std::move(work));
  }
  test::Loop loop;
  std::unique_ptr<Resolver> resolver;
};

TEST_F(Resolving, OneLookupServesAllWhoAskAndIsKept) {
  std::atomic<int> lookups{0};
  make(4, [&](const std::string& host) {
    ++lookups;
    ::usleep(20'000);
    Resolution result;
    result.addresses = {host == "a" ? "1.1.1.1" : "2.2.2.2"};
    return result;
  });
  std::vector<std::future<std::shared_ptr<const Resolution>>> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(ask("a"));
  for (auto& answer : answers) EXPECT_EQ(answer.get()->addresses.at(0), "1.1.1.1");
  EXPECT_EQ(ask("a").get()->addresses.at(0), "1.1.1.1");
  EXPECT_EQ(lookups, 1);
  EXPECT_EQ(ask("b").get()->addresses.at(0), "2.2.2.2");
  EXPECT_EQ(lookups, 2);
}

TEST_F(Resolving, NoMoreThreadsThanAllowedAlsoWhenNobodyWaitsAnyMore) {
  auto release = std::make_shared<std::promise<void>>();
  const auto released = release->get_future().share();
  auto running = std::make_shared<std::atomic<int>>(0);
  auto most = std::make_shared<std::atomic<int>>(0);
  make(3, [=](const std::string&) {
    const int now = ++*running;
    for (int seen = *most; now > seen && !most->compare_exchange_weak(seen, now);) {
    }
    released.wait();
    --*running;
    Resolution result;
    result.addresses = {"1.1.1.1"};
    return result;
  });
  std::vector<std::future<std::shared_ptr<const Resolution>>> answers;
  for (int i = 0; i < 10; ++i) answers.push_back(ask("h" + std::to_string(i), Millis{50}));
  for (auto& answer : answers) EXPECT_EQ(answer.get(), nullptr);
  EXPECT_EQ(loop.on_loop([&] { return resolver->lookups_running(); }), 3u);
  release->set_value();
  EXPECT_NE(ask("h9").get(), nullptr) << "the queue goes on";
  EXPECT_EQ(*most, 3);
}

TEST_F(Resolving, ClosingWakesWhoWaitsAndForgetsLateAnswers) {
  auto release = std::make_shared<std::promise<void>>();
  const auto released = release->get_future().share();
  make(1, [=](const std::string&) {
    released.wait();
    return Resolution{};
  });
  auto answer = ask("a");
  while (loop.on_loop([&] { return resolver->lookups_running(); }) == 0) ::usleep(1'000);
  loop.on_loop([this] { resolver.reset(); });
  EXPECT_EQ(answer.get(), nullptr);
  release->set_value();
}

TEST(ResolveBySystem, KnowsTheOwnHostAndSaysWhatItDoesNotKnow) {
  const auto local = resolve_by_system("localhost");
  EXPECT_TRUE(local.error.empty());
  EXPECT_FALSE(local.addresses.empty());
  EXPECT_FALSE(resolve_by_system("no-such-name.invalid").error.empty());
}

}  // namespace
}  // namespace chatrelay::http
