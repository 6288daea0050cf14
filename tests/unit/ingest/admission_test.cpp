#include "ingest/admission.hpp"

#include <gtest/gtest.h>

namespace chatrelay::ingest {
namespace {

store::CommitLoad load(int oldest_ms, int recent_ms, std::size_t waiting) {
  store::CommitLoad load;
  load.oldest_waiting = Millis{oldest_ms};
  load.recent_max = Millis{recent_ms};
  load.waiting = waiting;
  return load;
}

TEST(Admission, LetsInWhatCommitsWithinHalfTheBudget) {
  Admission admission;
  const SteadyTime now{Millis{1'000}};
  EXPECT_TRUE(admission.admits(load(0, 0, 0), Millis{10'000}, now));
  EXPECT_TRUE(admission.admits(load(2'000, 3'000, 5), Millis{10'000}, now));
  EXPECT_FALSE(admission.admits(load(2'000, 3'001, 5), Millis{10'000}, now));
  EXPECT_FALSE(admission.admits(load(2'000, 3'000, 5), Millis{5'000}, now));
}

TEST(Admission, FindsOutThatTheStoreIsFastAgain) {
  Admission admission;
  SteadyTime now{Millis{1'000}};
  const auto slow_once = load(0, 9'000, 0);
  EXPECT_TRUE(admission.admits(slow_once, Millis{10'000}, now)) << "the first probe";
  EXPECT_FALSE(admission.admits(slow_once, Millis{10'000}, now)) << "not a second one at once";
  EXPECT_FALSE(admission.admits(load(10, 9'000, 1), Millis{10'000}, now + Millis{300})) << "while the probe waits";
  EXPECT_TRUE(admission.admits(slow_once, Millis{10'000}, now + Millis{300}));
}

TEST(Admission, NeverProbesAStoreThatHangs) {
  Admission admission;
  EXPECT_FALSE(admission.admits(load(60'000, 0, 1), Millis{10'000}, SteadyTime{Millis{1'000}}));
  EXPECT_FALSE(admission.admits(load(60'000, 0, 0), Millis{10'000}, SteadyTime{Millis{1'000}}));
}

TEST(Admission, RetryAfterHasJitterAndBounds) {
  EXPECT_EQ(Admission::retry_after(load(0, 0, 0), 0.0), Millis{1'000});
  EXPECT_EQ(Admission::retry_after(load(0, 0, 0), 0.5), Millis{3'500});
  EXPECT_EQ(Admission::retry_after(load(900'000, 0, 0), 0.0), Millis{30'000});
  EXPECT_LT(Admission::retry_after(load(900'000, 0, 0), 0.999), Millis{64'001});
}

}  // namespace
}  // namespace chatrelay::ingest
