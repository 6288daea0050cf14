#include "event/delivery.hpp"

#include <set>

#include <gtest/gtest.h>

#include "event/outcome.hpp"

namespace chatrelay {
namespace {

TEST(DeliveryStateNames, GoThereAndBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= 5; ++i) {
    const auto state = static_cast<DeliveryState>(i);
    names.insert(to_string(state));
    EXPECT_EQ(delivery_state_from(to_string(state)), state);
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"pending", "deferred", "held", "delivered", "dead", "cancelled"}));
  EXPECT_FALSE(delivery_state_from("Pending"));
  EXPECT_FALSE(delivery_state_from(""));
  EXPECT_EQ(to_string(static_cast<DeliveryState>(99)), "unknown");
}

TEST(DeliveryStateNames, TheLastThreeReleaseTheLane) {
  EXPECT_TRUE(is_open(DeliveryState::pending) && is_open(DeliveryState::deferred) && is_open(DeliveryState::held));
  EXPECT_FALSE(is_open(DeliveryState::delivered) || is_open(DeliveryState::dead) || is_open(DeliveryState::cancelled));
}

TEST(OutcomeNames, GoThereAndBack) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(OutcomeClass::partial); ++i) {
    const auto klass = static_cast<OutcomeClass>(i);
    names.insert(to_string(klass));
    EXPECT_EQ(outcome_class_from(to_string(klass)), klass);
  }
  EXPECT_EQ(names.size(), 9u);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_FALSE(outcome_class_from("OK"));
}

TEST(Lane, IsNamedByAllThree) {
  const LaneId lane = lane_of("crm", "livechat", "c1");
  EXPECT_EQ(lane_of("crm", "livechat", "c1"), lane);
  EXPECT_NE(lane_of("mail", "livechat", "c1"), lane);
  EXPECT_NE(lane_of("crm", "forms", "c1"), lane);
  EXPECT_NE(lane_of("crm", "livechat", "c2"), lane);
  EXPECT_NE(lane_of("crmlivechat", "", "c1"), lane_of("crm", "livechat", "c1"));
}

TEST(Lane, FitsASignedInteger) {
  std::set<LaneId> lanes;
  for (int i = 0; i < 1000; ++i) {
    const LaneId lane = lane_of("d", "s", std::to_string(i));
    EXPECT_EQ(lane >> 63, 0u);
    lanes.insert(lane);
  }
  EXPECT_EQ(lanes.size(), 1000u);
}

TEST(Lane, IsTheSameForEver) {
  // It is on disk: another value would split the lanes of what is pending at an upgrade.
  EXPECT_EQ(lane_of("crm", "livechat", "PJ0MRSHTDG"), 8073872950117665467u);
}

}  // namespace
}  // namespace chatrelay
