#include "destinations/connector/limits.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "destinations/connector/limits_gate.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::connector;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const SteadyTime start{seconds(1000)};

LimitRule rule(const std::string& key, const std::string& rate, std::int64_t burst = 1, std::int64_t concurrency = 0) {
  LimitRule r;
  r.key = key;
  if (!rate.empty()) r.rate = *parse_rate(rate);
  r.burst = burst;
  r.concurrency = concurrency;
  return r;
}

// How many may leave at that moment.
int leave(LimitSet& set, SteadyTime now) {
  int count = 0;
  while (count < 1000 && set.try_take(now)) ++count;
  return count;
}

}  // namespace

TEST(Limits, ABurstAndThenTheRate) {
  SharedLimits all;
  LimitSet set = all.join("slack", {rule("token", "1/s", 3)});
  EXPECT_EQ(leave(set, start), 3);
  EXPECT_EQ(set.wait(start), std::chrono::nanoseconds(seconds(1)));
  EXPECT_EQ(leave(set, start + milliseconds(999)), 0);
  EXPECT_EQ(leave(set, start + seconds(1)), 1);
  EXPECT_EQ(leave(set, start + seconds(3)), 2);
  EXPECT_EQ(leave(set, start + seconds(100)), 3) << "a rest fills it to the burst, not more";
}

TEST(Limits, DestinationsWithOneKeyShareOneBudget) {
  SharedLimits all;
  LimitSet one = all.join("slack", {rule("token", "1/s", 2)});
  LimitSet same = all.join("slack", {rule("token", "1/s", 2)});
  LimitSet other = all.join("slack", {rule("token-2", "1/s", 2)});
  LimitSet elsewhere = all.join("discord", {rule("token", "1/s", 2)});
  EXPECT_EQ(leave(one, start), 2);
  EXPECT_EQ(leave(same, start), 0);
  EXPECT_EQ(leave(other, start), 2);
  EXPECT_EQ(leave(elsewhere, start), 2);
}

TEST(Limits, AllOfThemOrNone) {
  SharedLimits all;
  LimitSet set = all.join("x", {rule("token", "1/s", 10), rule("channel", "1/s", 1)});
  LimitSet token_alone = all.join("x", {rule("token", "1/s", 10)});
  EXPECT_EQ(leave(set, start), 1);
  EXPECT_EQ(leave(token_alone, start), 9) << "what the second refused took nothing of the first";
}

TEST(Limits, PlacesComeBackWithTheirPermits) {
  SharedLimits all;
  LimitSet set = all.join("x", {rule("token", "", 1, 2)});
  auto first = set.try_take(start);
  auto second = set.try_take(start);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(set.try_take(start));
  EXPECT_EQ(set.wait(start), std::nullopt);
  auto moved = std::move(first);
  first.reset();
  EXPECT_FALSE(set.try_take(start)) << "a permit that was moved is one permit";
  moved.reset();
  EXPECT_TRUE(set.try_take(start));
}

TEST(Limits, APauseHoldsAllWhoShareTheFirstLimit) {
  SharedLimits all;
  LimitSet one = all.join("x", {rule("token", "100/s", 100), rule("a", "100/s", 100)});
  LimitSet two = all.join("x", {rule("token", "100/s", 100), rule("b", "100/s", 100)});
  one.pause(start, Millis{30'000});
  one.pause(start, Millis{1'000});  // a later answer asks for less
  EXPECT_EQ(leave(two, start + milliseconds(29'999)), 0);
  EXPECT_EQ(*two.wait(start), std::chrono::nanoseconds(seconds(30)));
  EXPECT_GT(leave(two, start + seconds(30)), 0);
}

TEST(Limits, APauseIsEndedByAnOperator) {
  SharedLimits all;
  LimitSet one = all.join("x", {rule("token", "")});
  LimitSet two = all.join("x", {rule("token", "")});
  one.pause(start, Millis{30'000});
  two.end_pause();
  EXPECT_TRUE(one.try_take(start));
}

TEST(Limits, APauseIsBounded) {
  SharedLimits all;
  LimitSet set = all.join("x", {rule("token", "")});
  set.pause(start, Millis::max());
  EXPECT_LE(*set.wait(start), std::chrono::nanoseconds(std::chrono::hours(24)));
  set.pause(start, Millis{-5});
  EXPECT_TRUE(set.try_take(start + std::chrono::hours(24)));
}

TEST(Limits, AReloadKeepsWhatIsUsedUpAndTakesTheNewRate) {
  SharedLimits all;
  LimitSet before = all.join("x", {rule("token", "1/s", 1)});
  EXPECT_EQ(leave(before, start), 1);
  LimitSet after = all.join("x", {rule("token", "2/s", 1)});
  EXPECT_EQ(leave(after, start), 0);
  EXPECT_EQ(leave(after, start + seconds(1)), 1);
  EXPECT_EQ(leave(after, start + milliseconds(1500)), 1);
}

TEST(Limits, AReloadTouchesNothingBeforeItIsUsed) {
  SharedLimits all;
  LimitSet before = all.join("x", {rule("token", "", 1, 1)});
  auto taken = before.try_take(start);
  ASSERT_TRUE(taken);
  int woken = 0;
  const auto wake = std::make_shared<SharedLimit::Wake>([&] { ++woken; });
  before.when_changed(wake);
  LimitSet after = all.join("x", {rule("token", "", 1, 2)});
  EXPECT_EQ(woken, 0) << "it is made on another thread than that of those who wait";
  EXPECT_FALSE(before.try_take(start));
  EXPECT_TRUE(after.try_take(start));
  EXPECT_EQ(woken, 1) << "when it is used, and once";
}

TEST(Limits, WhatNobodyHoldsIsForgotten) {
  SharedLimits all;
  for (int i = 0; i < 100; ++i) {
    const LimitSet set = all.join("x", {rule("token-" + std::to_string(i), "1/s")});
    EXPECT_FALSE(set.empty());
  }
  EXPECT_EQ(all.size(), 1u);
}

TEST(Limits, WithoutLimitsEverythingLeaves) {
  SharedLimits all;
  LimitSet set = all.join("x", {});
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(leave(set, start), 1000);
  set.pause(start, Millis{1000});
  EXPECT_TRUE(set.try_take(start));
}

TEST(Limits, RulesAreReadFromWhatTheTemplatesGave) {
  const auto read = [](std::string_view text) {
    const json::value v = *parse_json(text);
    const auto at = [&](std::string_view key) {
      const json::value* found = find(v, key);
      return found ? *found : json::value();
    };
    return limit_rule(at("key"), at("rate"), at("burst"), at("concurrency"));
  };
  const auto all = read(R"({"key":"k","rate":"180/min","burst":3,"concurrency":"10"})");
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->key, "k");
  EXPECT_EQ(all->rate->count, 180);
  EXPECT_EQ(all->burst, 3);
  EXPECT_EQ(all->concurrency, 10);
  EXPECT_TRUE(read(R"({"key":null})"));
  for (const char* wrong : {R"({"rate":"fast"})", R"({"rate":5})", R"({"rate":"0/s"})", R"({"burst":0})",
                            R"({"burst":1.5})", R"({"concurrency":-1})", R"({"concurrency":"many"})"})
    EXPECT_FALSE(read(wrong)) << wrong;
}

TEST(LimitsGate, LetsThroughWhatMayLeaveNow) {
  boost::asio::io_context io(1);
  ManualClock clock{from_ms(0)};
  SharedLimits all;
  LimitSet set = all.join("x", {rule("token", "1/s", 1)});
  EXPECT_TRUE(chatrelay::destinations::testing::run(io, enter(set, clock, Millis{0})).permit);
}

TEST(LimitsGate, SaysWhenToComeBackIfTheWaitIsTooLong) {
  boost::asio::io_context io(1);
  ManualClock clock{from_ms(0)};
  SharedLimits all;
  LimitSet set = all.join("x", {rule("token", "1/s", 1)});
  set.pause(clock.steady(), Millis{60'000});
  const auto entry = chatrelay::destinations::testing::run(io, enter(set, clock, Millis{2'000}));
  EXPECT_FALSE(entry.permit);
  EXPECT_EQ(entry.come_back, Millis{60'000});
}

TEST(LimitsGate, WhoWaitsForAPlaceGetsTheOneThatIsGivenBack) {
  boost::asio::io_context io(1);
  ManualClock clock{from_ms(0)};
  SharedLimits all;
  LimitSet set = all.join("x", {rule("token", "", 1, 1)});
  auto taken = set.try_take(clock.steady());
  ASSERT_TRUE(taken);
  std::optional<LimitEntry> entry;
  auto done = [&](std::exception_ptr error, LimitEntry e) {
    EXPECT_FALSE(error);
    entry = std::move(e);
  };
  boost::asio::co_spawn(io, enter(set, clock, Millis{3'600'000}), done);
  io.poll();
  EXPECT_FALSE(entry) << "it waits";
  taken.reset();
  io.restart();
  io.poll();
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->permit);
  EXPECT_FALSE(set.try_take(clock.steady()));
}

TEST(LimitsGate, WaitsForTheRate) {
  boost::asio::io_context io(1);
  const SystemClock clock;
  SharedLimits all;
  LimitSet set = all.join("x", {rule("token", "50/s", 1)});
  ASSERT_TRUE(set.try_take(clock.steady()));
  const SteadyTime before = clock.steady();
  EXPECT_TRUE(chatrelay::destinations::testing::run(io, enter(set, clock, Millis{10'000})).permit);
  EXPECT_GE(clock.steady() - before, milliseconds(15));
}
