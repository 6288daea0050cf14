#include "destinations/connector/sign.hpp"

#include <gtest/gtest.h>

using namespace chatrelay;
using namespace chatrelay::destinations::connector;

// The vector that the Standard Webhooks libraries test themselves with.
TEST(Sign, MatchesThePublishedVector) {
  const auto key = standard_webhooks_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  const WallTime now = from_ms(1614265330'000LL);
  const auto headers = standard_webhooks_headers(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", now, R"({"test": 2432232314})");
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[0], (std::pair<std::string, std::string>("webhook-timestamp", "1614265330")));
  EXPECT_EQ(headers[1].second, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Sign, ASecretWithoutPrefixIsItsOwnBytes) {
  EXPECT_EQ(*standard_webhooks_key("MfKQ9r8G"), "MfKQ9r8G");
}

TEST(Sign, BrokenSecretsAreRefused) {
  for (const char* secret : {"", "whsec_", "whsec_???"}) EXPECT_FALSE(standard_webhooks_key(secret)) << secret;
}

TEST(Sign, TheTimestampIsInWholeSecondsRoundedDown) {
  EXPECT_EQ(standard_webhooks_headers("k", "i", from_ms(1999), "")[0].second, "1");
}
