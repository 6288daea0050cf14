// The accept path of Livechatoo's bridge: who may send, what is taken, what counts as the same.
#include "systems/livechatoo/livechatoo_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

const std::string yaml =
    "system: livechatoo\naccount: shop\norigins: [\"https://shop.example\", \"http://127.0.0.1:8000\"]";
const std::string visitor = "0123456789abcdef0123456789abcdef";

Request call(const std::string& body, const std::string& origin = "https://shop.example") {
  return Request{body, "", "text/plain", {{"Origin", origin}}};
}

std::string body(const std::string& event, const std::string& data, const std::string& more = "") {
  return "{\"event\":\"" + event + "\",\"data\":" + data + ",\"account\":\"shop\"" + more + "}";
}

std::string of(const std::string& id) {
  return ",\"visitor\":\"" + visitor + "\",\"id\":\"" + id + "\"";
}

class LivechatooAdmit : public ::testing::Test {
 protected:
  LivechatooAdmit() : made(make_source(systems::livechatoo_kind(), yaml)) {}
  int status(const Request& request) {
    const auto verdict = made.source->admit(request.view(), now);
    return verdict.accepted ? verdict.accepted->status : verdict.rejected->status;
  }
  systems::DedupKey key(const std::string& text) {
    const auto verdict = made.source->admit(call(text).view(), now);
    EXPECT_TRUE(verdict.accepted) << (verdict.rejected ? verdict.rejected->message : "") << text;
    return verdict.accepted && verdict.accepted->dedup ? *verdict.accepted->dedup : systems::DedupKey{};
  }
  Made made;
};

TEST_F(LivechatooAdmit, takes_from_configured_websites_only) {
  const std::string load = body("onload", "{}");
  EXPECT_EQ(status(call(load)), 200);
  EXPECT_EQ(status(call(load, "HTTPS://SHOP.EXAMPLE")), 200);
  EXPECT_EQ(status(call(load, "http://127.0.0.1:8000")), 200);
  for (const char* origin : {"", "null", "https://evil.example", "http://shop.example", "https://shop.example:444",
                             "https://shop.example.evil.example", "https://shop.example, https://shop.example",
                             "https://shop.example/", "*"}) {
    const auto verdict = made.source->admit(call(load, origin).view(), now);
    ASSERT_TRUE(verdict.rejected) << origin;
    EXPECT_EQ(verdict.rejected->status, 403) << origin;
    EXPECT_EQ(verdict.rejected->reason, systems::RejectReason::forbidden_origin) << origin;
  }
}

TEST_F(LivechatooAdmit, takes_text_and_json_and_nothing_large_or_strange) {
  Request request = call(body("onload", "{}"));
  for (const char* type :
       {"", "text/plain", "text/plain;charset=UTF-8", "application/json", "Application/JSON; charset=x"}) {
    request.content_type = type;
    EXPECT_EQ(status(request), 200) << type;
  }
  for (const char* type : {"application/x-www-form-urlencoded", "multipart/form-data", "text/html"}) {
    request.content_type = type;
    EXPECT_EQ(status(request), 415) << type;
  }
  request = call(body("onload", "{}"));
  request.path_secret = "anything";
  EXPECT_EQ(status(request), 404);
  EXPECT_EQ(status(call(body("onload", "{\"a\":\"" + std::string(64 << 10, 'x') + "\"}"))), 413);
  EXPECT_EQ(status(call(body("onload", std::string(20, '[') + std::string(20, ']')))), 400);
  for (const char* text : {"", "null", "[]", "\"x\"", "{", "{\"event\":\"onload\"}",
                           "{\"event\":\"onload\",\"data\":[]}", "{\"event\":5,\"data\":{}}", "{\"data\":{}}"})
    EXPECT_EQ(status(call(text)), 400) << text;
  EXPECT_EQ(status(call(body("onunload", "{}"))), 400);
  EXPECT_EQ(status(call(body("onchatstart", "{}"))), 400) << "no ticket";
  EXPECT_EQ(status(call(body("onchatstart", "{\"ticket\":\"a b\"}"))), 400);
  EXPECT_EQ(status(call(body("onchatrating", "{\"rating\":5}"))), 400) << "no ticket";
  EXPECT_EQ(status(call(body("conversion", "{\"value\":1}"))), 400) << "no chat";
  EXPECT_EQ(status(call(body("conversion", "{\"value\":1}", ",\"ticket\":7"))), 200);
}

TEST_F(LivechatooAdmit, belongs_to_one_account) {
  EXPECT_EQ(status(call("{\"event\":\"onload\",\"data\":{},\"account\":\"other\"}")), 400);
  EXPECT_EQ(status(call("{\"event\":\"onload\",\"data\":{}}")), 200);
}

TEST_F(LivechatooAdmit, answers_nothing) {
  const auto verdict = made.source->admit(call(body("onload", "{}")).view(), now);
  ASSERT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted->answer, "");
  EXPECT_TRUE(verdict.accepted->keep);
}

TEST_F(LivechatooAdmit, a_chat_is_one_by_its_ticket_in_all_tabs_and_loads) {
  const auto start = key(body("onchatstart", "{\"ticket\":7,\"initiator\":\"client\"}", of(std::string(32, '1'))));
  for (const char* event : {"onchatopened", "onchatstart"})
    EXPECT_EQ(key(body(event, "{\"ticket\":\"7\",\"initiator\":\"operator\"}", of(std::string(32, '2')))).hash,
              start.hash);
  EXPECT_NE(key(body("onchatopened", "{\"ticket\":8}", of(std::string(32, '1')))).hash, start.hash);
  EXPECT_EQ(start.window, std::chrono::days(7));
  // Nobody who guesses a ticket can make another visitor's chat a repetition.
  EXPECT_NE(key(body("onchatstart", "{\"ticket\":7}", ",\"visitor\":\"" + std::string(32, 'a') + "\"")).hash,
            start.hash);
  EXPECT_NE(key(body("onchatstart", "{\"ticket\":7}")).hash, start.hash);
}

TEST_F(LivechatooAdmit, a_rating_is_one_by_what_it_says) {
  const auto rating = [&](const std::string& stars, const std::string& id) {
    return key(
        body("onchatrating", "{\"ticket\":7,\"rating\":" + stars + ",\"message\":\"m\"}", of(std::string(32, id[0]))));
  };
  EXPECT_EQ(rating("5", "1").hash, rating("\"5\"", "2").hash);
  EXPECT_NE(rating("5", "1").hash, rating("4", "1").hash);
}

TEST_F(LivechatooAdmit, everything_else_is_one_by_the_bridges_id) {
  const std::string one(32, '1'), two(32, '2');
  const std::string data = "{\"email\":\"a@example.com\",\"message\":\"m\"}";
  EXPECT_EQ(key(body("onofflinemessage", data, of(one))).hash,
            key(body("onofflinemessage", data, of(one) + ",\"x\":1")).hash);
  EXPECT_NE(key(body("onofflinemessage", data, of(one))).hash, key(body("onofflinemessage", data, of(two))).hash);
  for (const std::string& odd : {std::string("short"), std::string(32, 'Z'), std::string(4000, '1')}) {
    EXPECT_EQ(key(body("onofflinemessage", data, of(odd))).window, std::chrono::minutes(2)) << "by its bytes";
    EXPECT_NE(key(body("onofflinemessage", data, of(odd))).hash,
              key(body("onofflinemessage", "{\"message\":\"n\"}", of(odd))).hash);
  }
}

TEST_F(LivechatooAdmit, the_window_can_be_another_or_none) {
  auto other = make_source(systems::livechatoo_kind(), yaml + "\ndedup: {window: 5s}");
  auto verdict = other.source->admit(call(body("onchatopened", "{\"ticket\":7}")).view(), now);
  EXPECT_EQ(verdict.accepted->dedup->window, std::chrono::seconds(5));
  auto none = make_source(systems::livechatoo_kind(), yaml + "\ndedup: {window: \"0\"}");
  verdict = none.source->admit(call(body("onchatopened", "{\"ticket\":7}")).view(), now);
  EXPECT_FALSE(verdict.accepted->dedup);
}

TEST_F(LivechatooAdmit, secrets_of_identity_are_not_stored) {
  auto with =
      make_source(systems::livechatoo_kind(),
                  yaml + "\nidentity: {key: identity-key-0123456789, token: {secrets: [token-secret-0123456789]}}");
  ASSERT_TRUE(with.source) << with.problems;
  const auto verdict = with.source->admit(
      call(body("onload", "{\"page\":\"token-secret-0123456789 \\u0069dentity-key-0123456789\"}")).view(), now);
  ASSERT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted->body.find("0123456789"), std::string::npos) << verdict.accepted->body;
}

TEST_F(LivechatooAdmit, a_recorded_call_can_be_sent_again) {
  const auto sent = made.source->sign(body("onload", "{}"), now);
  ASSERT_EQ(sent.headers.size(), 1u);
  EXPECT_EQ(status(Request{sent.body, "", "application/json", {sent.headers[0]}}), 200);
}

TEST_F(LivechatooAdmit, a_damaged_record_is_kept_as_invalid) {
  for (const char* text : {"{", "[]", "{\"event\":\"onload2\",\"data\":{}}", "{\"event\":\"onchatstart\"}"}) {
    const auto events = made.source->decode(stored(text));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, "invalid_payload") << text;
    EXPECT_EQ(events[0].raw, json::value(text));
  }
}

TEST(LivechatooConfig, says_what_is_wrong) {
  const auto problems = [](const std::string& text) { return make_source(systems::livechatoo_kind(), text).problems; };
  EXPECT_NE(problems("system: livechatoo").find("origins is missing"), std::string::npos);
  for (const char* origin : {"\"*\"", "https://shop.example/", "shop.example", "https://*.example"})
    EXPECT_NE(problems("system: livechatoo\norigins: [" + std::string(origin) + "]").find("must be an origin"),
              std::string::npos)
        << origin;
  for (const char* origin : {"https://shop.example:443", "http://shop.example:80"})
    EXPECT_NE(problems("system: livechatoo\norigins: [\"" + std::string(origin) + "\"]").find("leave it out"),
              std::string::npos)
        << origin;
  EXPECT_NE(problems("system: livechatoo\norigins: [\"https://m\xC3\xBCller.example\"]").find("xn--"),
            std::string::npos);
  EXPECT_EQ(problems("system: livechatoo\norigins: [\"https://a.example:80\", \"http://a.example:443\"]"), "");
  EXPECT_NE(problems(yaml + "\nsecret: x").find("secret"), std::string::npos);
  EXPECT_EQ(problems(yaml), "");
}

TEST(LivechatooConfig, asks_ingest_for_cross_origin_answers_and_a_rate) {
  const auto made = make_source(systems::livechatoo_kind(), yaml + "\nper_address: 20/min");
  const systems::BrowserRules* rules = made.source->browser_rules();
  ASSERT_TRUE(rules);
  EXPECT_TRUE(rules->allows("https://Shop.example"));
  EXPECT_FALSE(rules->allows(""));
  EXPECT_FALSE(rules->allows("null"));
  EXPECT_EQ(rules->per_address.count, 20);
}

}  // namespace
}  // namespace chatrelay::testing
