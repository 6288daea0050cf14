// Our own messages that come back as webhooks, and events of ours in a system's source.
#include "common/ids.hpp"
#include "event/served_event.hpp"
#include "systems/generic/generic_source.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems/livechatoo/livechatoo_source.hpp"
#include "systems/livehelperchat/livehelperchat_source.hpp"
#include "systems/receiving.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

using systems::can_be_own_id;

std::string id_of(WallTime at) {
  return encode_ulid({at, 0x12345678u, 42});
}

bool is_kept(Made& made, const std::string& body, const Headers& headers = {}, const std::string& path_secret = "") {
  const Request request{body, path_secret, "application/json", headers};
  const auto verdict = made.source->admit(request.view(), now);
  EXPECT_TRUE(verdict.accepted) << verdict.rejected->message;
  if (!verdict.accepted) return false;
  EXPECT_EQ(verdict.accepted->status, 200);
  EXPECT_EQ(verdict.accepted->answer, "");
  return verdict.accepted->keep;
}

TEST(OwnId, IsADeliverysOfTheLastDays) {
  EXPECT_TRUE(can_be_own_id(id_of(now), now));
  EXPECT_TRUE(can_be_own_id(id_of(now - std::chrono::days(29)), now));
  EXPECT_TRUE(can_be_own_id(id_of(now + std::chrono::minutes(4)), now)) << "the clock was set back";
  EXPECT_TRUE(can_be_own_id(id_of(now) + "-2", now)) << "a piece of a split text";
  EXPECT_TRUE(can_be_own_id(id_of(now) + "-0019", now));
  for (const std::string& other :
       {std::string(), id_of(now - std::chrono::days(31)), id_of(now + std::chrono::hours(1)), id_of(now).substr(1),
        id_of(now) + "x", id_of(now) + "-", id_of(now) + "-x", id_of(now) + "-12345", id_of(now) + "-2-",
        to_lower_ascii(id_of(now)), std::string("31-0C-1C-07-DB-16"), std::string(26, 'U'),
        std::string("0123456789abcdef0123456789")})
    EXPECT_FALSE(can_be_own_id(other, now)) << other;
}

// --- LiveChat

std::string livechat_message(const std::string& author, const std::string& custom_id,
                             const std::string& action = "incoming_event") {
  return R"({"secret_key":"example-secret","action":")" + action +
         R"(","organization_id":"o","payload":{"chat_id":"C","thread_id":"T","event":{"id":"T_1","custom_id":")" +
         custom_id + R"(","type":"message","text":"hi","visibility":"all","author_id":")" + author + "\"}}}";
}
const std::string agent = "relay@example.com", bot = "5c9871d5372c824cbf22d860a707a578",
                  customer = "b7eff798-f8df-4364-8059-649c35c9ed0c";

Made livechat(const std::string& own = "") {
  Made made = make_source(systems::livechat_kind(), "system: livechat\nsecrets: [example-secret]\n" + own, "lc");
  EXPECT_TRUE(made.source) << made.problems;
  return made;
}

TEST(LivechatOwn, WhatCarriesADeliverysIdIsDropped) {
  Made made = livechat();
  EXPECT_FALSE(is_kept(made, livechat_message(agent, id_of(now))));
  EXPECT_FALSE(is_kept(made, livechat_message(bot, id_of(now) + "-1")));
  EXPECT_TRUE(is_kept(made, livechat_message(agent, "31-0C-1C-07-DB-16")));
  EXPECT_TRUE(is_kept(made, livechat_message(agent, id_of(now - std::chrono::days(40)))));
  EXPECT_TRUE(is_kept(made, livechat_message(agent, id_of(now), "event_updated"))) << "only what is said";
}

TEST(LivechatOwn, ACustomerCannotHideByACustomId) {
  Made made = livechat("own: {authors: [" + agent + "]}");
  EXPECT_TRUE(is_kept(made, livechat_message(customer, id_of(now))));
  EXPECT_TRUE(is_kept(made, livechat_message("who knows", id_of(now))));
}

TEST(LivechatOwn, AuthorsOfOursAreDroppedWhateverTheyWrite) {
  Made made = livechat("own: {custom_ids: false, authors: [Relay@Example.com, " + bot + "]}");
  EXPECT_FALSE(is_kept(made, livechat_message(agent, "")));
  EXPECT_FALSE(is_kept(made, livechat_message(bot, "")));
  EXPECT_TRUE(is_kept(made, livechat_message("smith@example.com", id_of(now)))) << "custom_ids: false";
}

TEST(LivechatOwn, AWrongSecretIsStillRefused) {
  Made made = livechat();
  std::string body = livechat_message(agent, id_of(now));
  body.replace(body.find("example-secret"), 14, "wrong-secret-0");
  const Request request{body, "", "application/json", {}};
  EXPECT_EQ(made.source->admit(request.view(), now).rejected->status, 401);
}

TEST(LivechatOwn, SaysWhatIsWrong) {
  for (const auto& [own, word] :
       std::vector<std::pair<std::string, std::string>>{{"own: relay", "authors"},
                                                        {"own: {author: a@b.c}", "authors"},
                                                        {"own: {authors: [" + customer + "]}", "customer"}}) {
    const Made made = make_source(systems::livechat_kind(), "system: livechat\nsecrets: [example-secret]\n" + own);
    EXPECT_FALSE(made.source) << own;
    EXPECT_NE(made.problems.find(word), std::string::npos) << made.problems;
  }
}

// --- Rocket.Chat

std::string rocketchat_message(const std::string& id, const std::string& more) {
  return R"({"type":"Message","_id":"R1","messages":[{"_id":")" + id + R"(","msg":"hi")" + more + "}]}";
}
const std::string by_agent = R"(,"agentId":"U7","u":{"_id":"U7","username":"relay.bot"})",
                  by_visitor = R"(,"u":{"_id":"V1","username":"relay.bot"})";

bool is_kept_by_rocketchat(const std::string& own, const std::string& body) {
  Made made = make_source(systems::rocketchat_kind(), "system: rocketchat\nsecrets: [example-secret-0123]\n" + own);
  EXPECT_TRUE(made.source) << made.problems;
  return is_kept(made, body, {{"x-rocketchat-livechat-token", "example-secret-0123"}});
}

TEST(RocketchatOwn, AgentsOfOursAreDropped) {
  const std::string own = "own: {agents: [relay.bot]}";
  EXPECT_FALSE(is_kept_by_rocketchat(own, rocketchat_message("m1", by_agent)));
  EXPECT_FALSE(is_kept_by_rocketchat("own: {agents: U7}", rocketchat_message("m1", by_agent)));
  EXPECT_TRUE(is_kept_by_rocketchat(own, rocketchat_message("m1", R"(,"agentId":"U8","u":{"username":"ann"})")));
  EXPECT_TRUE(is_kept_by_rocketchat(own, rocketchat_message("m1", by_visitor))) << "a visitor may take any username";
  EXPECT_TRUE(is_kept_by_rocketchat("", rocketchat_message("m1", by_agent)));
}

TEST(RocketchatOwn, AMessagesIdIsADeliverysOfOurs) {
  EXPECT_FALSE(is_kept_by_rocketchat("", rocketchat_message(id_of(now), by_agent)));
  EXPECT_TRUE(is_kept_by_rocketchat("", rocketchat_message(id_of(now), by_visitor))) << "any visitor may choose an _id";
  EXPECT_FALSE(is_kept_by_rocketchat("own: {as_visitor: true}", rocketchat_message(id_of(now), by_visitor)));
  EXPECT_TRUE(is_kept_by_rocketchat("own: {as_visitor: true}", rocketchat_message("m1", by_visitor)));
}

TEST(RocketchatOwn, WhatIsMoreThanAMessageIsKept) {
  std::string ending = rocketchat_message(id_of(now), by_agent);
  ending.replace(ending.find("Message"), 7, "LivechatSession");
  EXPECT_TRUE(is_kept_by_rocketchat("own: {agents: [U7]}", ending));
  const std::string two = R"({"type":"Message","_id":"R1","messages":[{"_id":"a","agentId":"U7"},{"_id":"b"}]})";
  EXPECT_TRUE(is_kept_by_rocketchat("own: {agents: [U7]}", two));
  for (const char* strange : {"null", "[]", "{}", "[1]", "\"[\"", "[[]]"})
    EXPECT_TRUE(is_kept_by_rocketchat("own: {agents: [U7], as_visitor: true}",
                                      R"({"type":"Message","_id":"R1","messages":)" + std::string(strange) + "}"))
        << strange;
}

// --- generic

TEST(GenericOwn, WhatTheExpressionsSay) {
  Made made = make_source(systems::generic_kind(),
                          "system: generic\nverify: none\nown: {when: .event.bot_id == \"B1\", id: .event.client_id}");
  ASSERT_TRUE(made.source) << made.problems;
  EXPECT_FALSE(is_kept(made, R"({"event":{"bot_id":"B1"}})"));
  EXPECT_FALSE(is_kept(made, R"({"event":{"client_id":")" + id_of(now) + "\"}}"));
  EXPECT_TRUE(is_kept(made, R"({"event":{"bot_id":"B2","client_id":"x"}})"));
  EXPECT_TRUE(is_kept(made, R"({"event":{"client_id":7}})"));
}

TEST(GenericOwn, AnExpressionThatFailsKeepsTheEventAndSaysWhy) {
  Made made = make_source(systems::generic_kind(), "system: generic\nverify: none\nown: {when: '.a | keys'}");
  ASSERT_TRUE(made.source) << made.problems;
  ASSERT_TRUE(is_kept(made, R"({"a":"text"})"));
  const auto events = made.source->decode(stored(R"({"a":"text"})"));
  EXPECT_EQ(events.at(0).type, "invalid_payload");
  const json::value* error = events[0].activity.if_contains("error");
  ASSERT_TRUE(error);
  EXPECT_TRUE(std::string(error->as_string()).starts_with("own.when: ")) << error->as_string();
}

TEST(GenericOwn, SaysWhatIsWrong) {
  for (const std::string own : {"own: .bot", "own: {wen: .bot}", "own: {when: '.a |'}"}) {
    const Made made = make_source(systems::generic_kind(), "system: generic\nverify: none\n" + own);
    EXPECT_FALSE(made.source) << own;
    EXPECT_TRUE(made.failed) << own;
  }
}

// --- what chatrelay tells of a system's chats

TEST(EventOfOurs, IsDecodedByEverySystem) {
  Event ending;
  ending.type = event_type::chat_deactivated;
  ending.chat.emplace().id = "C1";
  ending.activity["by"] = "silence";
  const std::string body = served_event_body(ending);
  std::vector<Made> all;
  all.push_back(livechat());
  all.push_back(make_source(systems::rocketchat_kind(), "system: rocketchat\nsecrets: [example-secret-0123]"));
  all.push_back(make_source(systems::livehelperchat_kind(), "system: livehelperchat\nsecrets: [example-secret-0123]"));
  all.push_back(make_source(systems::livechatoo_kind(),
                            "system: livechatoo\naccount: shop\norigins: [\"https://shop.example\"]"));
  all.push_back(make_source(systems::generic_kind(), "system: generic\nverify: none\nmap: {type: '\"other\"'}"));
  for (Made& made : all) {
    ASSERT_TRUE(made.source) << made.problems;
    const auto events = made.source->decode(stored(body, served_content_type));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, "chat_deactivated");
    EXPECT_EQ(events[0].chat->id, "C1");
    EXPECT_EQ(events[0].activity.at("by"), "silence");
    EXPECT_EQ(events[0].source, "test");
    EXPECT_EQ(made.source->decode(stored("{", served_content_type)).at(0).type, "invalid_payload");
  }
}

TEST(EventOfOurs, NoSenderCanPassForUs) {
  Made made = make_source(systems::generic_kind(), "system: generic\nverify: none");
  const Request request{R"({"type":"chat_deactivated"})", "", served_content_type, {}};
  const auto verdict = made.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted->content_type, "");
}

}  // namespace
}  // namespace chatrelay::testing
