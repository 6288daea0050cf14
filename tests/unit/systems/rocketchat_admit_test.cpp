#include "common/text.hpp"
#include "event/served_event.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"
#include "systems/rocketchat/serving_keys.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

const std::string secret = "first-secret-0123456789";
const std::string second = "second-secret-9876543210";
const std::string yaml = "system: rocketchat\nsecrets: [" + secret + ", " + second + "]";
const std::string header = "X-RocketChat-Livechat-Token";

Made rocketchat(const std::string& text, const std::string& name = "rc") {
  auto made = make_source(systems::rocketchat_kind(), text, name);
  EXPECT_TRUE(made.source) << made.problems;
  return made;
}

class RocketchatAdmit : public ::testing::Test {
 protected:
  systems::Verdict admit(std::string body, Headers headers = {{header, secret}}, std::string path_secret = "") {
    Request request{std::move(body), std::move(path_secret), "application/json", std::move(headers)};
    return made_.source->admit(request.view(), now);
  }
  int status(const systems::Verdict& verdict) {
    return verdict.accepted ? verdict.accepted->status : verdict.rejected->status;
  }
  Hash128 key(const std::string& body) {
    const auto verdict = admit(body);
    return verdict.accepted && verdict.accepted->dedup ? verdict.accepted->dedup->hash : Hash128{};
  }
  Millis window(const std::string& body) { return admit(body).accepted->dedup->window; }
  Made made_ = rocketchat(yaml);
};

std::string hook(const std::string& type, const std::string& room, const std::string& more) {
  return R"({"type":")" + type + R"(","_id":")" + room + "\"," + more + "}";
}
std::string message(const std::string& id, const std::string& more = "", const std::string& room = "R1") {
  return hook("Message", room, R"("messages":[{"_id":")" + id + R"(","msg":"hi")" + more + "}]");
}

// --- who may send

TEST_F(RocketchatAdmit, TakesEachOfItsSecretsInTheHeaderOrInThePath) {
  EXPECT_EQ(status(admit(message("m"), {{header, secret}})), 200);
  EXPECT_EQ(status(admit(message("m"), {{header, second}})), 200);
  EXPECT_EQ(status(admit(message("m"), {{"x-rocketchat-livechat-token", secret}})), 200);
  EXPECT_EQ(status(admit(message("m"), {}, second)), 200);
  EXPECT_EQ(status(admit(message("m"), {{header, ""}}, secret)), 200) << "old versions send an empty header";
  EXPECT_EQ(status(admit(message("m"), {{header, secret}}, second)), 200);
}

TEST_F(RocketchatAdmit, RefusesAWrongOrMissingSecretWith401) {
  const std::vector<std::pair<Headers, std::string>> wrong = {
      {{}, ""},
      {{{header, ""}}, ""},
      {{{header, "wrong"}}, ""},
      {{{header, secret + "x"}}, ""},
      {{{header, secret + ", " + second}}, ""},  // two headers
      {{{header, "wrong"}}, secret},
      {{{header, secret}}, "wrong"},
      {{}, "wrong"},
      {{{"X-Auth-Token", secret}}, ""},
  };
  for (const auto& [headers, path_secret] : wrong) {
    for (const std::string& body : {message("m"), std::string("not json")}) {
      const auto verdict = admit(body, headers, path_secret);
      ASSERT_TRUE(verdict.rejected) << path_secret;
      EXPECT_EQ(verdict.rejected->status, 401);
      EXPECT_EQ(verdict.rejected->reason, systems::RejectReason::wrong_secret);
      EXPECT_EQ(verdict.rejected->message.find(secret), std::string::npos);
    }
  }
  EXPECT_EQ(status(admit(R"({"type":"Message","_id":"R","secret":")" + secret + "\"}", {})), 401)
      << "the body proves nothing";
}

TEST(RocketchatHook, ThatIsOpenTakesWebhooksWithAndWithoutAHeader) {
  auto made = rocketchat("system: rocketchat\nverify: none");
  EXPECT_NE(made.problems.find("whoever knows the address"), std::string::npos) << made.problems;
  EXPECT_FALSE(made.failed);
  for (const Headers& headers : {Headers{}, Headers{{header, ""}}, Headers{{header, "anything"}}}) {
    const Request request{message("m"), "", "application/json", headers};
    EXPECT_TRUE(made.source->admit(request.view(), now).accepted);
  }
}

TEST(RocketchatHook, OfASourceThatOnlyServesIsClosed) {
  auto made = rocketchat("system: rocketchat\nserve: true");
  EXPECT_EQ(made.problems, "");
  for (const Headers& headers : {Headers{}, Headers{{header, ""}}, Headers{{header, "anything"}}})
    for (const std::string path_secret : {"", "anything"}) {
      const Request request{message("m"), path_secret, "application/json", headers};
      const auto verdict = made.source->admit(request.view(), now);
      ASSERT_TRUE(verdict.rejected);
      EXPECT_EQ(verdict.rejected->status, 401);
    }
}

TEST(RocketchatHook, OfASourceThatServesMayHaveSecretsOrNone) {
  auto guarded = rocketchat("system: rocketchat\nserve: true\nsecrets: [" + secret + "]");
  const Request without{message("m"), "", "application/json", {}};
  const Request with{message("m"), "", "application/json", {{header, secret}}};
  EXPECT_TRUE(guarded.source->admit(without.view(), now).rejected);
  EXPECT_TRUE(guarded.source->admit(with.view(), now).accepted);
  auto open = rocketchat("system: rocketchat\nserve: true\nverify: none");
  EXPECT_TRUE(open.source->admit(without.view(), now).accepted);
}

// --- what is answered and kept

TEST_F(RocketchatAdmit, AnswersExactly200WithNothingInIt) {
  for (const std::string& body :
       {message("m"), std::string("[]"), std::string("\"text\""), std::string("null"),
        std::string(3000, '[') + std::string(3000, ']'), std::string("{\"a\":\"\\ud800\"}")}) {
    const auto verdict = admit(body);
    ASSERT_TRUE(verdict.accepted) << body.substr(0, 50);
    EXPECT_EQ(verdict.accepted->status, 200);
    EXPECT_EQ(verdict.accepted->answer, "");
    EXPECT_TRUE(verdict.accepted->keep);
    EXPECT_EQ(verdict.accepted->body, body);
  }
}

TEST_F(RocketchatAdmit, AnswersABrokenGrammarWith400) {
  for (const std::string body : {"", "{", R"({"type":)", "not json", R"({"type":"Message"} x)", "payload=%7B%7D"}) {
    const auto verdict = admit(body);
    ASSERT_TRUE(verdict.rejected) << body;
    EXPECT_EQ(verdict.rejected->status, 400) << body;
    EXPECT_EQ(verdict.rejected->reason, systems::RejectReason::not_json) << body;
  }
}

TEST_F(RocketchatAdmit, TheTestPayloadIsTakenAndNotKept) {
  const std::string test = R"({"type":"LivechatSession","_id":"fasd6f5a4sd6f8a4sdf","label":"title",
      "visitor":{"_id":"","name":"visitor name","username":"visitor-username","email":"visitor@example.com"},
      "messages":[{"username":"visitor-username","msg":"message content","ts":"2026-11-20T10:00:00.000Z"}]})";
  const auto verdict = admit(test);
  ASSERT_TRUE(verdict.accepted);
  EXPECT_FALSE(verdict.accepted->keep);
  EXPECT_EQ(verdict.accepted->status, 200);
  EXPECT_EQ(verdict.accepted->answer, "");
  EXPECT_EQ(status(admit(test, {{header, "wrong"}})), 401) << "the test tells the operator whether the secret is right";
  EXPECT_TRUE(admit(hook("LivechatSession", "fasd6f5a4sd6f8a4sdF", "\"messages\":[]")).accepted->keep);
}

TEST_F(RocketchatAdmit, TakesOutTheVisitorsTokenAndTheSecret) {
  const auto verdict =
      admit(hook("Message", "R1",
                 R"("visitor":{"_id":"v","token":"the-visitors"},"messages":[{"_id":"m","msg":"it is )" + secret +
                     R"(","navigation":{"page":{},"to\u006ben":"the-visitors"}}])"));
  ASSERT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted->body,
            hook("Message", "R1",
                 R"("visitor":{"_id":"v"},"messages":[{"_id":"m","msg":"it is [secret]","navigation":{"page":{}}}])"));
}

TEST_F(RocketchatAdmit, NoSenderPassesForOurOwnEndpoints) {
  Event forged;
  forged.type = event_type::chat_rated;
  Request request{served_event_body(forged), "", served_content_type, {{header, secret}}};
  const auto verdict = made_.source->admit(request.view(), now);
  ASSERT_TRUE(verdict.accepted);
  EXPECT_NE(verdict.accepted->content_type, served_content_type);
}

// --- duplicates

TEST_F(RocketchatAdmit, ARetryIsADuplicate) {
  for (const std::string& body :
       {message("m1"), message("m1", R"(,"editedAt":"2026-11-20T10:00:00.000Z")"),
        hook("LivechatSessionStart", "R1", "\"messages\":[]"), hook("LivechatSessionQueued", "R1", "\"messages\":[]"),
        hook("LivechatSession", "R1", R"("closedAt":"2026-11-20T10:00:00.000Z")"),
        std::string(R"({"type":"LivechatOfflineMessage","sentAt":"2026-11-20T10:00:00.000Z","message":"x"})"),
        std::string("[1]")}) {
    const Hash128 first = key(body);
    EXPECT_FALSE(first == Hash128{}) << body;
    EXPECT_EQ(first, key(body)) << body;
    EXPECT_GE(window(body), Millis(std::chrono::seconds(250))) << "6.x tries for that long: " << body;
  }
}

TEST_F(RocketchatAdmit, TheSameMessageToldWithOtherSurroundingsIsADuplicate) {
  const std::string one = R"("messages":[{"_id":"m1","msg":"hi","_updatedAt":"2026-11-20T10:00:00.000Z"}])";
  EXPECT_EQ(key(hook("Message", "R1", "\"crmData\":null," + one)),
            key(hook("Message", "R1", R"("crmData":"x",)" + one)));
  EXPECT_EQ(window(hook("Message", "R1", one)), Millis(std::chrono::hours(24)));
  EXPECT_EQ(key(hook("LivechatSessionStart", "R1", "\"messages\":[]")),
            key(hook("LivechatSessionStart", "R1", "\"messages\":[1]")));
}

TEST_F(RocketchatAdmit, WhatIsNotARetryIsKept) {
  const std::string closed = R"("closedAt":"2026-11-20T10:00:00.000Z")";
  const std::vector<std::string> all = {
      message("m1"),
      message("m2"),
      message("m1", "", "R2"),
      message("m1", R"(,"editedAt":"2026-11-20T10:00:00.000Z")"),
      message("m1", R"(,"editedAt":"2026-11-20T10:00:01.000Z")"),
      message("m1", R"(,"_updatedAt":"2026-11-20T10:00:00.000Z")"),
      message("m1", R"(,"editedAt":"2026-11-20T10:00:00.000Z","_updatedAt":"2026-11-20T10:00:00.000Z")"),
      hook("Message", "R1", R"("messages":[{"_id":"m1"},{"_id":"m2"}])"),
      hook("Message", "R1", R"("messages":[{"_id":"m1"},{"_id":"m3"}])"),
      hook("Message", "R1", R"("messages":[{"msg":"no id"}])"),
      hook("Message", "R1", R"("messages":[{"msg":"no id either"}])"),
      hook("Message", "R1", R"("messages":[])"),
      hook("Message", "R1", R"("messages":"m1")"),
      R"({"type":"Message","messages":[{"_id":"m1"}]})",
      hook("LivechatSessionStart", "R1", "\"messages\":[]"),
      hook("LivechatSessionStart", "R2", "\"messages\":[]"),
      hook("LivechatSession", "R1", closed),
      hook("LivechatSession", "R2", closed),
      hook("LivechatSession", "R1", R"("closedAt":"2026-11-20T10:00:01.000Z")"),
      hook("LivechatSession", "R1", R"("closedAt":null,"tags":["a"])"),
      hook("LivechatSession", "R1", R"("closedAt":null,"tags":["b"])"),
      hook("LivechatSessionTaken", "R1", R"("servedBy":{"_id":"A","ts":"2026-11-20T10:00:00.000Z"})"),
      hook("LivechatSessionTaken", "R1", R"("servedBy":{"_id":"A","ts":"2026-11-20T10:00:01.000Z"})"),
      hook("LivechatSessionForwarded", "R1", R"("servedBy":{"_id":"A","ts":"2026-11-20T10:00:01.000Z"})"),
      hook("LivechatEdit", "R1", R"("topic":"a")"),
      hook("LivechatEdit", "R1", R"("topic":"b")"),
      R"({"type":"LivechatOfflineMessage","sentAt":"2026-11-20T10:00:00.000Z","message":"x"})",
      R"({"type":"LivechatOfflineMessage","sentAt":"2026-11-20T10:00:00.001Z","message":"x"})",
  };
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_FALSE(key(all[i]) == key(all[j])) << all[i] << "\n" << all[j];
  const Hash128 mine = key(all[0]);
  made_ = rocketchat(yaml, "another");
  EXPECT_FALSE(mine == key(all[0])) << "two sources share no key";
}

TEST_F(RocketchatAdmit, TheConfiguredWindowHoldsForAllKeys) {
  made_ = rocketchat(yaml + "\ndedup: {window: 7m}");
  EXPECT_EQ(window(message("m")), Millis(std::chrono::minutes(7)));
  EXPECT_EQ(window("[]"), Millis(std::chrono::minutes(7)));
  made_ = rocketchat(yaml + "\ndedup: {window: 0s}");
  EXPECT_FALSE(admit(message("m")).accepted->dedup);
}

// --- configuration and sign

TEST_F(RocketchatAdmit, WhatItSignsItAdmits) {
  const auto sent = made_.source->sign(message("m"), now);
  EXPECT_EQ(sent.path_suffix, "");
  EXPECT_EQ(status(admit(sent.body, {sent.headers.begin(), sent.headers.end()})), 200);
  EXPECT_EQ(status(admit(sent.body, {})), 401);
  EXPECT_TRUE(rocketchat("system: rocketchat\nverify: none").source->sign("{}", now).headers.empty());
}

TEST(RocketchatConfig, SaysWhatIsWrong) {
  for (const auto& [text, word] : std::vector<std::pair<std::string, std::string>>{
           {"system: rocketchat", "verify: none"},
           {"system: rocketchat\nserve: false", "secrets"},
           {"system: rocketchat\nserve: 7\nverify: none", "serve"},
           {"system: rocketchat\nsecrets: []", "secrets"},
           {"system: rocketchat\nsecrets: ['']", "secrets"},
           {"system: rocketchat\nsecrets: [abc]", "secrets"},
           {"system: rocketchat\nserve: true\nsecrets: [abc]", "secrets"},
           {"system: rocketchat\nverify: nothing", "verify"},
           {"system: rocketchat\nverify: {bearer: long-enough-secret}", "verify"},
           {"system: rocketchat\nverify: none\nsecrets: [long-enough-secret]", "verify"},
           {"system: rocketchat\nserve: true\norigin: ['https://shop.example']", "origins"},
           {"system: rocketchat\nsecrets: [long-enough-secret]\nsecrts: x", "secrets"}}) {
    const auto made = make_source(systems::rocketchat_kind(), text);
    EXPECT_TRUE(made.failed) << text;
    // `serve` is read, and told of, with the keys of every source.
    if (word != "serve") {
      EXPECT_FALSE(made.source) << text;
    }
    EXPECT_NE(made.problems.find(word), std::string::npos) << text << " gave " << made.problems;
  }
}

TEST(RocketchatConfig, EveryServingKeyIsKnownAndOneThatDoesNothingIsTold) {
  for (const std::string& name : systems::rocketchat::serving_keys()) {
    if (name == "serve" || name == "limits") continue;
    const auto serving = make_source(systems::rocketchat_kind(), "system: rocketchat\nserve: true\n" + name + ": x");
    EXPECT_TRUE(serving.source) << serving.problems;
    const auto idle = make_source(systems::rocketchat_kind(), "system: rocketchat\nverify: none\n" + name + ": x");
    EXPECT_TRUE(idle.source) << idle.problems;
    EXPECT_NE(idle.problems.find(name + " does nothing without serve: true"), std::string::npos) << idle.problems;
  }
}

TEST(RocketchatConfig, ASenderWaitsFiveSeconds) {
  config::Problems problems;
  const auto config = config::parse_config(
      "sources: {rc: {system: rocketchat, serve: true}, slow: {system: rocketchat, serve: true, "
      "ack_budget: 7s}}",
      "test.yaml", problems, no_environment());
  ASSERT_EQ(config.sources.size(), 2u);
  EXPECT_EQ(config.sources[0].ack_budget, Millis(5'000));
  EXPECT_EQ(config.sources[1].ack_budget, Millis(7'000));
}

// --- decode

TEST(RocketchatDecode, ReadsWhatOurOwnEndpointsMade) {
  auto made = rocketchat("system: rocketchat\nserve: true");
  Event event;
  event.type = event_type::incoming_event;
  event.chat.emplace().id = "room";
  event.visitor.emplace().id = "visitor";
  event.message.emplace().text = "hi";
  event.message->id = "m1";
  event.occurred_at = now;
  const auto events = made.source->decode(stored(served_event_body(event), served_content_type));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "incoming_event");
  EXPECT_EQ(events[0].system, "rocketchat");
  EXPECT_EQ(events[0].source, "test");
  EXPECT_EQ(events[0].received_at, now);
  EXPECT_EQ(events[0].occurred_at, now);
  EXPECT_EQ(events[0].ref, (EventRef{7, 0}));
  ASSERT_TRUE(events[0].chat && events[0].message);
  EXPECT_EQ(events[0].chat->id, "room");
  EXPECT_FALSE(events[0].chat->thread_id);
  EXPECT_EQ(events[0].message->text, "hi");
  EXPECT_EQ(made.source->decode(stored("[]", served_content_type)).at(0).type, "invalid_payload");
  const Event sent = made.source->decode(stored(served_event_body(event))).at(0);
  EXPECT_FALSE(sent.chat || sent.message || sent.visitor) << "our own shape means nothing when a sender writes it";
}

TEST(RocketchatDecode, WhateverTheBytesThereIsAnEvent) {
  auto made = rocketchat(yaml);
  for (const std::string body :
       {"", "{", "null", "[]", "{}", "{\"type\":\"\"}", "{\"type\":\"Message\"}", "{\"type\":\"LivechatSession\"}",
        "{\"type\":\"Message\",\"_id\":\"R\",\"messages\":[null,1,\"x\",[]]}",
        "{\"type\":\"Message\",\"_id\":\"R\",\"messages\":[{}]}",
        "{\"type\":\"Message\",\"_id\":\"R\",\"messages\":[{\"navigation\":{}}]}",
        "{\"type\":\"Message\",\"_id\":\"R\",\"messages\":[{\"ts\":{\"$date\":1e300},\"editedAt\":-1}]}",
        "{\"type\":\"Message\",\"_id\":\"R\",\"messages\":[{\"attachments\":[null,[],{\"image_size\":-1}],\"file\":{"
        "\"size\":\"big\"}}]}",
        "{\"type\":\"LivechatSessionForwarded\",\"_id\":\"R\",\"oldServedBy\":[],\"servedBy\":\"x\"}",
        "{\"type\":\"LivechatOfflineMessage\"}"}) {
    const auto events = made.source->decode(stored(body));
    ASSERT_EQ(events.size(), 1u) << body;
    EXPECT_FALSE(events[0].type.empty()) << body;
    EXPECT_FALSE(events[0].chat && !events[0].chat->id) << body;
  }
}

TEST(RocketchatDecode, BoundsWhatAStrangerNames) {
  auto made = rocketchat(yaml);
  EXPECT_EQ(made.source->decode(stored("{\"type\":\"" + std::string(5000, 'x') + "\"}")).at(0).type.size(), 200u);
  std::string attachments;
  for (int i = 0; i < 500; ++i)
    attachments += std::string(i ? "," : "") + R"({"title_link":"https://x.example/)" + std::to_string(i) + "\"}";
  const auto events = made.source->decode(
      stored(hook("Message", "R1", R"("messages":[{"_id":"m","attachments":[)" + attachments + "]}]")));
  EXPECT_EQ(events.at(0).message->files.size(), 20u);
}

}  // namespace
}  // namespace chatrelay::testing
