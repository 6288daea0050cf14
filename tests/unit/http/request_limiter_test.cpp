#include "http/request_limiter.hpp"

#include <string>

#include <gtest/gtest.h>

namespace chatrelay::http {
namespace {

const WallTime start = from_ms(1'790'000'000'000);
const Rate three_a_minute{3, Millis{60'000}};

TEST(RequestLimiter, CountsDownAndRefusesUntilTheWindowEnds) {
  RequestLimiter limiter;
  for (int i = 0; i < 3; ++i) {
    const auto verdict = limiter.take("a", three_a_minute, start + Millis{i * 1'000});
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(verdict.limit, 3);
    EXPECT_EQ(verdict.remaining, 2 - i);
    EXPECT_EQ(verdict.reset, start + Millis{60'000}) << "the first call opened the window";
    EXPECT_EQ(verdict.retry_after, Millis{0});
  }
  const auto refused = limiter.take("a", three_a_minute, start + Millis{10'000});
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.reset, start + Millis{60'000});
  EXPECT_EQ(refused.retry_after, Millis{50'000});
  EXPECT_FALSE(limiter.take("a", three_a_minute, start + Millis{59'999}).allowed);
  const auto next = limiter.take("a", three_a_minute, start + Millis{60'000});
  EXPECT_TRUE(next.allowed);
  EXPECT_EQ(next.remaining, 2);
  EXPECT_EQ(next.reset, start + Millis{120'000});
}

TEST(RequestLimiter, RefusedCallsDoNotMoveTheWindow) {
  RequestLimiter limiter;
  for (int i = 0; i < 100; ++i) limiter.take("a", three_a_minute, start + Millis{i});
  EXPECT_TRUE(limiter.take("a", three_a_minute, start + Millis{60'000}).allowed);
}

TEST(RequestLimiter, KeysDoNotShare) {
  RequestLimiter limiter;
  for (int i = 0; i < 4; ++i) limiter.take("a", three_a_minute, start);
  EXPECT_TRUE(limiter.take("b", three_a_minute, start).allowed);
  EXPECT_FALSE(limiter.take("a", three_a_minute, start).allowed);
  EXPECT_TRUE(limiter.take("", three_a_minute, start).allowed) << "an empty key is a key";
  EXPECT_TRUE(limiter.take(std::string(1, '\0'), three_a_minute, start).allowed);
}

TEST(RequestLimiter, WhatIsGivenBackMayBeTakenAgain) {
  RequestLimiter limiter;
  limiter.give_back("a");  // nobody took it
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.take("a", three_a_minute, start).allowed);
  limiter.give_back("a");
  EXPECT_TRUE(limiter.take("a", three_a_minute, start).allowed);
  EXPECT_FALSE(limiter.take("a", three_a_minute, start).allowed);
  for (int i = 0; i < 9; ++i) limiter.give_back("a");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.take("a", three_a_minute, start).allowed);
  EXPECT_FALSE(limiter.take("a", three_a_minute, start).allowed) << "never more than the rate";
}

TEST(RequestLimiter, ARateOfNothingAllowsNothing) {
  RequestLimiter limiter;
  const auto verdict = limiter.take("a", Rate{0, Millis{1'000}}, start);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.retry_after, Millis{1'000});
}

TEST(RequestLimiter, AFloodOfNewKeysDoesNotFreeALimitedOne) {
  RequestLimiter limiter(100);
  for (int i = 0; i < 4; ++i) limiter.take("limited", three_a_minute, start);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(limiter.take("new " + std::to_string(i), three_a_minute, start + Millis{1 + i % 1'000}).allowed) << i;
    ASSERT_LE(limiter.size(), 100u);
  }
  EXPECT_FALSE(limiter.take("limited", three_a_minute, start + Millis{2'000}).allowed);
  EXPECT_TRUE(limiter.take("limited", three_a_minute, start + Millis{60'000}).allowed);
}

TEST(RequestLimiter, FullOfLimitedKeysItRefusesNewOnesUntilTheFirstIsOver) {
  RequestLimiter limiter(10);
  const Rate once{1, Millis{60'000}};
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(limiter.take(std::to_string(i), once, start + Millis{i * 1'000}).allowed) << i;
  const auto refused = limiter.take("late", once, start + Millis{10'000});
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, Millis{50'000});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter.take(std::to_string(i), once, start + Millis{10'000}).allowed) << i;
  EXPECT_TRUE(limiter.take("late", once, start + Millis{60'000}).allowed);
  EXPECT_LE(limiter.size(), 10u);
}

TEST(RequestLimiter, WindowsThatAreOverAreForgotten) {
  RequestLimiter limiter(1'000);
  for (int i = 0; i < 1'000; ++i) limiter.take(std::to_string(i), three_a_minute, start);
  EXPECT_EQ(limiter.size(), 1'000u);
  for (int i = 0; i < 1'000; ++i)
    limiter.take("later " + std::to_string(i % 5), three_a_minute, start + Millis{60'001});
  // Five new windows: each took two old ones away.
  EXPECT_EQ(limiter.size(), 995u);
  for (int i = 0; i < 1'000; ++i) limiter.take("other " + std::to_string(i), three_a_minute, start + Millis{60'002});
  EXPECT_LE(limiter.size(), 1'000u);
  EXPECT_EQ(limiter.take("later 0", three_a_minute, start + Millis{60'003}).allowed, false)
      << "the old ones went, not the new ones";
}

TEST(RequestLimiter, AClockSetBackKeepsNobodyOut) {
  RequestLimiter limiter(2);
  for (int i = 0; i < 4; ++i) limiter.take("a", three_a_minute, start);
  for (int i = 0; i < 4; ++i) limiter.take("b", three_a_minute, start);
  const WallTime before = start - std::chrono::hours(1);
  EXPECT_TRUE(limiter.take("c", three_a_minute, before).allowed) << "full of windows of a time that has not come";
  EXPECT_TRUE(limiter.take("a", three_a_minute, before).allowed);
  EXPECT_LE(limiter.size(), 2u);
}

}  // namespace
}  // namespace chatrelay::http
