#include "common/assert.hpp"

#include <gtest/gtest.h>

namespace chatrelay {
namespace {

TEST(AssertDeathTest, SaysWhyAndAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int deliveries_finished_twice = 1;
  EXPECT_DEATH(CHATRELAY_ASSERT(deliveries_finished_twice == 0, "a delivery finishes once"),
               "broken invariant why=.a delivery finishes once.*deliveries_finished_twice == 0");
}

TEST(Assert, LetsAHeldInvariantPass) {
  CHATRELAY_ASSERT(1 + 1 == 2, "arithmetic");
  SUCCEED();
}

}  // namespace
}  // namespace chatrelay
