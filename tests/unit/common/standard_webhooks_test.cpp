#include "common/standard_webhooks.hpp"

#include <gtest/gtest.h>

using namespace chatrelay;

namespace {
constexpr const char* id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr const char* body = R"({"test": 2432232314})";
constexpr const char* signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
}  // namespace

// The vector that the Standard Webhooks libraries test themselves with.
TEST(StandardWebhooks, MatchesThePublishedVector) {
  const auto key = standard_webhooks_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(key);
  EXPECT_EQ(standard_webhooks_timestamp(from_ms(1614265330'000LL)), "1614265330");
  EXPECT_EQ(standard_webhooks_signature(*key, id, "1614265330", body), signature);
}

TEST(StandardWebhooks, OneOfSeveralSignaturesIsEnough) {
  const std::string key = *standard_webhooks_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const std::string good = signature;
  for (const std::string& header : {good, "v1,AAAA " + good, good + ", v1,BBBB", "v2,x  " + good})
    EXPECT_TRUE(standard_webhooks_matches(key, id, "1614265330", body, header)) << header;
  for (const std::string& header : {std::string(), std::string("v1,"), good + "x", good.substr(3)})
    EXPECT_FALSE(standard_webhooks_matches(key, id, "1614265330", body, header)) << header;
  EXPECT_FALSE(standard_webhooks_matches(key, id, "1614265331", body, good)) << "the timestamp is signed too";
}

TEST(StandardWebhooks, ASecretWithoutPrefixIsItsOwnBytes) {
  EXPECT_EQ(*standard_webhooks_key("MfKQ9r8G"), "MfKQ9r8G");
}

TEST(StandardWebhooks, BrokenSecretsAreRefused) {
  for (const char* secret : {"", "whsec_", "whsec_???"}) EXPECT_FALSE(standard_webhooks_key(secret)) << secret;
}

TEST(StandardWebhooks, TheTimestampIsInWholeSecondsRoundedDown) {
  EXPECT_EQ(standard_webhooks_timestamp(from_ms(1999)), "1");
}
