#include <gmock/gmock.h>

#include "systems/livechat/livechat_api_config.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

using ::testing::HasSubstr;

const std::string keys = "account: acc\ntoken: pat-0123456789abcdef\nclient_id: client\n";

struct Read {
  std::optional<systems::LivechatApi> api;
  std::string problems;
  bool failed = false;
};

Read read(const std::string& yaml) {
  config::Problems problems;
  const auto root = config::Document::parse(yaml, "test.yaml", problems, no_environment());
  Read out;
  out.api = systems::read_livechat_api(root);
  out.problems = problems.to_string();
  out.failed = problems.has_errors();
  return out;
}

TEST(LivechatApiConfig, ThreeKeysAreEnough) {
  const Read got = read(keys);
  ASSERT_FALSE(got.failed) << got.problems;
  EXPECT_EQ(got.api->account, "acc");
  EXPECT_EQ(got.api->token.reveal(), "pat-0123456789abcdef");
  EXPECT_EQ(got.api->version, "3.6");
  EXPECT_EQ(got.api->base_url, "https://api.livechatinc.com");
  EXPECT_TRUE(got.api->actions.empty());
  EXPECT_TRUE(got.api->filters.empty());
  EXPECT_THAT(got.api->additional_data, ::testing::ElementsAre("chat_properties", "chat_presence_user_ids"));
  EXPECT_EQ(got.api->bot_status, "not_accepting_chats");
}

TEST(LivechatApiConfig, FiltersBecomeWhatRegisterWebhookTakes) {
  const Read got = read(keys +
                        "version: 3.7\n"
                        "actions: [incoming_chat, incoming_event]\n"
                        "additional_data: chat_properties\n"
                        "bot: {name: Relay, status: accepting_chats}\n"
                        "filters:\n"
                        "  author_type: customer\n"
                        "  only_my_chats: true\n"
                        "  source_type: [other_clients, system]\n"
                        "  agent_ids: {values: [a@example.com]}\n"
                        "  chat_presence: {my_bots: true, user_ids: {exclude_values: [b@example.com]}}\n");
  ASSERT_FALSE(got.failed) << got.problems;
  EXPECT_EQ(got.api->version, "3.7");
  EXPECT_EQ(got.api->bot_name, "Relay");
  EXPECT_EQ(got.api->bot_status, "accepting_chats");
  EXPECT_EQ(json::value(got.api->filters),
            json::parse(R"({"author_type":"customer","only_my_chats":true,"source_type":["other_clients","system"],
                            "agent_ids":{"values":["a@example.com"]},
                            "chat_presence":{"my_bots":true,"user_ids":{"exclude_values":["b@example.com"]}}})"));
}

TEST(LivechatApiConfig, EveryWrongKeyIsAProblemWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"account: a\nclient_id: c\n", "token"},
      {"token: pat-0123456789\n", "client_id"},
      {keys + "tokn: x\n", "tokn"},
      {keys + "version: 3.2\n", "version"},
      {keys + "base_url: ftp://a\n", "base_url"},
      {keys + "base_url: https://user:pass@a\n", "base_url"},
      {keys + "filters: {author_type: robot}\n", "author_type"},
      {keys + "filters: {source_type: [mine]}\n", "source_type"},
      {keys + "filters: {chat_presence: {user_ids: {values: [a], exclude_values: [b]}}}\n", "either"},
      {keys + "filters: {chat_presence: {}}\n", "chat_presence"},
      {keys + "additional_data: [everything]\n", "additional_data"},
      {keys + "bot: {status: offline}\n", "status"},
      {"account: \"acc:pat\"\ntoken: pat-0123456789\nclient_id: c\n", "colon"},
      {"token", "map"},
  };
  for (const auto& [yaml, words] : cases) {
    const Read got = read(yaml);
    EXPECT_TRUE(got.failed) << yaml;
    EXPECT_THAT(got.problems, HasSubstr(words)) << yaml;
    EXPECT_THAT(got.problems, HasSubstr("test.yaml:"));
  }
}

TEST(LivechatApiConfig, ATokenInClearTextIsAWarningExceptOnThisMachine) {
  EXPECT_THAT(read(keys + "base_url: http://test.example\n").problems, HasSubstr("clear text"));
  for (const char* here : {"http://127.0.0.1:8443/", "http://localhost:1", "http://[::1]:1"}) {
    const Read got = read(keys + "base_url: \"" + here + "\"\n");
    EXPECT_FALSE(got.failed) << got.problems;
    EXPECT_EQ(got.problems.find("clear text"), std::string::npos) << here;
  }
}

TEST(LivechatApiConfig, ASourceTakesTheKeysAndReportsTheirProblems) {
  const std::string source = "system: livechat\nsecrets: [first-secret-0123456789]\n";
  const std::string api = "api: {account: a, token: pat-0123456789, client_id: c}\n";
  EXPECT_TRUE(make_source(systems::livechat_kind(), source + api).source);
  const Made bad = make_source(systems::livechat_kind(), source + "api: {account: a, client_id: c}\n");
  EXPECT_FALSE(bad.source);
  EXPECT_THAT(bad.problems, HasSubstr("api.token"));
}

// `chatrelay webhooks` asks a hook whether it takes a secret: an answer, and no event.
TEST(LivechatProbe, AnAuthenticProbeIsAnsweredAndNotKept) {
  const std::string secret = "first-secret-0123456789";
  auto made = make_source(systems::livechat_kind(), "system: livechat\nsecrets: [" + secret + "]\n");
  ASSERT_TRUE(made.source) << made.problems;
  const auto admit = [&](const std::string& body) {
    Request request{body, "", "application/json", {}};
    return made.source->admit(request.view(), now);
  };
  const auto probe = admit(R"({"action":"chatrelay_probe","secret_key":")" + secret + "\"}");
  ASSERT_TRUE(probe.accepted);
  EXPECT_EQ(probe.accepted->status, 200);
  EXPECT_FALSE(probe.accepted->keep);
  const auto wrong = admit(R"({"action":"chatrelay_probe","secret_key":"wrong-secret-0123456789"})");
  ASSERT_TRUE(wrong.rejected);
  EXPECT_EQ(wrong.rejected->status, 401);
  // Anything more than the question is a webhook like any other.
  const auto more = admit(R"({"action":"chatrelay_probe","payload":{},"secret_key":")" + secret + "\"}");
  ASSERT_TRUE(more.accepted);
  EXPECT_TRUE(more.accepted->keep);
}

}  // namespace
}  // namespace chatrelay::testing
