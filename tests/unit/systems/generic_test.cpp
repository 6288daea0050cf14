#include "common/text.hpp"
#include "systems/generic/generic_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

systems::Verdict admit(Made& made, const Request& request, WallTime at = now) {
  return made.source->admit(request.view(), at);
}

Made generic(const std::string& more) {
  auto made = make_source(systems::generic_kind(), "system: generic\n" + more, "forms");
  EXPECT_TRUE(made.source) << made.problems;
  return made;
}

int status_of(const systems::Verdict& verdict) {
  return verdict.accepted ? verdict.accepted->status : verdict.rejected->status;
}

// The example of the Standard Webhooks specification's own libraries.
const std::string spec_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string spec_body = R"({"test": 2432232314})";
const WallTime spec_time = from_ms(1'614'265'330'000);
Request spec_request() {
  return {spec_body,
          "",
          "application/json",
          {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
           {"webhook-timestamp", "1614265330"},
           {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}};
}

TEST(GenericStandardWebhooks, TakesTheSpecificationsExample) {
  auto made = generic("verify: {standard_webhooks: " + spec_secret + "}");
  EXPECT_EQ(status_of(admit(made, spec_request(), spec_time)), 200);
}

TEST(Generic, AJsonObjectUnderTheTypeOfAFormIsJson) {
  auto made = generic("verify: {field: {path: auth.token, secret: secret of 16}}\nmap: {type: .kind}");
  const std::string form_type = "application/x-www-form-urlencoded; charset=utf-8";
  const auto verdict = admit(made, {R"( {"kind": "lead", "auth": {"token": "secret of 16"}})", "", form_type, {}});
  ASSERT_EQ(status_of(verdict), 200);
  EXPECT_EQ(verdict.accepted->body.find("secret of 16"), std::string::npos);
  systems::StoredWebhook stored;
  stored.body = verdict.accepted->body;
  stored.content_type = verdict.accepted->content_type;
  EXPECT_EQ(made.source->decode(stored).at(0).type, "lead");
  EXPECT_EQ(status_of(admit(made, {R"({"kind": "lead", "auth": {"token": "wrong"}})", "", form_type, {}})), 401);
  EXPECT_EQ(status_of(admit(made, {"auth.token=secret+of+16&{=}", "", form_type, {}})), 200);
}

TEST(GenericStandardWebhooks, TakesOneOfSeveralSignaturesAndOfSeveralSecrets) {
  auto made = generic("verify: {standard_webhooks: [whsec_AAAAAAAAAAAAAAAAAAAAAAAA, " + spec_secret + "]}");
  auto request = spec_request();
  request.headers["webhook-signature"] = "v1a,xxxx v1,bm90IHRoaXMgb25l " + request.headers["webhook-signature"];
  EXPECT_EQ(status_of(admit(made, request, spec_time)), 200);
}

TEST(GenericStandardWebhooks, RefusesWhatWasChangedIsOldOrLacksAHeader) {
  auto made = generic("verify: {standard_webhooks: " + spec_secret + "}");
  auto changed = spec_request();
  changed.body += " ";
  EXPECT_EQ(status_of(admit(made, changed, spec_time)), 401);
  EXPECT_EQ(status_of(admit(made, spec_request(), spec_time + std::chrono::seconds(301))), 401);
  EXPECT_EQ(status_of(admit(made, spec_request(), spec_time - std::chrono::seconds(301))), 401);
  EXPECT_EQ(status_of(admit(made, spec_request(), spec_time + std::chrono::seconds(299))), 200);
  for (const char* header : {"webhook-id", "webhook-timestamp", "webhook-signature"}) {
    auto request = spec_request();
    request.headers.erase(header);
    EXPECT_EQ(status_of(admit(made, request, spec_time)), 401) << header;
  }
  auto other_id = spec_request();
  other_id.headers["webhook-id"] = "msg_other";
  EXPECT_EQ(status_of(admit(made, other_id, spec_time)), 401);
}

TEST(GenericStandardWebhooks, TheWebhookIdIsTheKey) {
  auto made = generic("verify: {standard_webhooks: " + spec_secret + "}");
  const auto one = made.source->sign("{\"a\":1}", now), other = made.source->sign("{\"a\":2}", now);
  const auto key = [&](const systems::Source::Signed& sent) {
    Request request{sent.body, "", "application/json", {sent.headers.begin(), sent.headers.end()}};
    return admit(made, request).accepted->dedup->hash;
  };
  EXPECT_EQ(key(one), key(one));
  EXPECT_FALSE(key(one) == key(other));
}

TEST(GenericHmac, FindsTheSignatureOfTheBytes) {
  // RFC 4231, test case 2.
  auto made = generic("verify: {hmac_sha256: {header: X-Signature, secret: Jefe, prefix: 'sha256='}}");
  Request request{"what do ya want for nothing?",
                  "",
                  "application/json",
                  {{"x-signature", "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}}};
  EXPECT_EQ(status_of(admit(made, request)), 400) << "authentic, but not JSON";
  request.headers["x-signature"] = "sha256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843";
  EXPECT_EQ(status_of(admit(made, request)), 400) << "digits of either case";
  for (const std::string bad :
       {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "sha256=", "sha256=zz", "",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3844"}) {
    request.headers["x-signature"] = bad;
    EXPECT_EQ(status_of(admit(made, request)), 401) << bad;
  }
}

TEST(Generic, WhatItSignsItAdmitsAndNoSecretIsKept) {
  const std::string secret = "a-secret-of-16-bytes";
  for (const std::string verify :
       {"standard_webhooks: whsec_YS1zZWNyZXQtb2YtMTYtYnl0ZXM=",
        "hmac_sha256: {header: X-Hub-Signature-256, secret: a-secret-of-16-bytes, prefix: 'sha256='}",
        "hmac_sha256: {header: X-Sign, secret: a-secret-of-16-bytes, encoding: base64}", "bearer: a-secret-of-16-bytes",
        "basic: {user: ann, password: 'a-secret-of-16-bytes'}",
        "header: {name: X-Api-Key, secret: a-secret-of-16-bytes}",
        "field: {path: auth.token, secret: a-secret-of-16-bytes}",
        "field: {path: .token, secret: a-secret-of-16-bytes}"}) {
    auto made = generic("verify: {" + verify + "}");
    ASSERT_TRUE(made.source) << verify;
    const auto sent =
        made.source->sign(R"({"event":"x","text":"leaked a-secret-of-16-bytes","list":[{"token":"other"}]})", now);
    Request request{sent.body, "", "application/json", {sent.headers.begin(), sent.headers.end()}};
    const auto verdict = admit(made, request);
    ASSERT_TRUE(verdict.accepted) << verify << ": " << verdict.rejected->message;
    EXPECT_EQ(verdict.accepted->body.find(verify.starts_with("standard") ? "whsec_" : secret), std::string::npos)
        << verify;
    EXPECT_TRUE(parse_json(verdict.accepted->body).has_value()) << verdict.accepted->body;
    if (verify.starts_with("field")) {
      EXPECT_EQ(verdict.accepted->body.find("token"), std::string::npos) << verdict.accepted->body;
    }

    Request bare{R"({"event":"x"})", "", "application/json", {}};
    EXPECT_EQ(status_of(admit(made, bare)), 401) << verify;
    for (auto& [name, value] : request.headers) value += "x";
    if (!verify.starts_with("field")) {
      EXPECT_EQ(status_of(admit(made, request)), 401) << verify;
    }
  }
}

TEST(GenericField, IsReadFromAFormAndTakenOut) {
  auto made = generic("verify: {field: {path: token, secret: 'a secret+of 16'}}\nmap: {message: .text}");
  Request request{
      "text=hi&token=a+secret%2Bof+16&more=a%20secret%2Bof%2016", "", "application/x-www-form-urlencoded", {}};
  const auto verdict = admit(made, request);
  ASSERT_TRUE(verdict.accepted) << verdict.rejected->message;
  EXPECT_EQ(verdict.accepted->body, "text=hi&more=[secret]");
  EXPECT_EQ(verdict.accepted->content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(made.source->decode(stored(verdict.accepted->body, verdict.accepted->content_type)).at(0).message->text,
            "hi");
  request.body = "text=hi&token=wrong";
  EXPECT_EQ(status_of(admit(made, request)), 401);
  request.body = "text=hi&token=a+secret%2Bof+16&token=wrong";
  EXPECT_EQ(status_of(admit(made, request)), 401);
  const auto sent = made.source->sign("text=hi", now);
  request.body = sent.body;
  EXPECT_EQ(status_of(admit(made, request)), 200) << sent.body;
}

TEST(Generic, WhatIsNeitherJsonNorAFormIs400) {
  auto made = generic("verify: none");
  EXPECT_NE(made.problems.find("whoever knows the address"), std::string::npos);
  for (const std::string body : {"", "a=b", "{\"a\":", "<xml/>"}) {
    const auto verdict = admit(made, {body, "", "text/plain", {}});
    ASSERT_TRUE(verdict.rejected) << body;
    EXPECT_EQ(verdict.rejected->status, 400);
    EXPECT_EQ(verdict.rejected->reason, systems::RejectReason::not_json);
  }
  EXPECT_EQ(status_of(admit(made, {"a=b", "", "application/x-www-form-urlencoded", {}})), 200);
}

TEST(GenericKey, TheOperatorsKeyNamesTheSameThingForADay) {
  auto made = generic("verify: none\nmap: {key: .delivery.id}");
  const auto key = [&](const std::string& body) {
    return *admit(made, {body, "", "application/json", {}}).accepted->dedup;
  };
  EXPECT_EQ(key(R"({"delivery":{"id":"1"},"try":1})").hash, key(R"({"delivery":{"id":"1"},"try":2})").hash);
  EXPECT_EQ(key(R"({"delivery":{"id":"1"}})").window, Millis(std::chrono::hours(24)));
  EXPECT_FALSE(key(R"({"delivery":{"id":1}})").hash == key(R"({"delivery":{"id":2}})").hash);
  EXPECT_FALSE(key(R"({"try":1})").hash == key(R"({"try":2})").hash) << "without a key the body decides";
  EXPECT_EQ(key(R"({"try":1})").window, Millis(std::chrono::minutes(2)));
  EXPECT_EQ(key(R"({"delivery":"text"})").window, Millis(std::chrono::minutes(2)))
      << "an expression that fails falls back";
}

TEST(GenericMap, AFailingExpressionKeepsTheEventAndSaysWhy) {
  auto made = generic("verify: none\nmap: {type: .t, chat: '.c | keys'}");
  const auto events = made.source->decode(stored(R"({"t":"x","c":"text"})"));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "invalid_payload");
  EXPECT_EQ(events[0].raw.at("t"), "x");
  const json::value* error = events[0].activity.if_contains("error");
  ASSERT_TRUE(error);
  EXPECT_NE(std::string(error->as_string()).find("map.chat"), std::string::npos);
}

TEST(GenericMap, WhatIsTooDeepToDecodeIsKeptAsText) {
  auto made = generic("verify: none");
  const std::string deep = std::string(300, '[') + std::string(300, ']');
  ASSERT_EQ(status_of(admit(made, {deep, "", "application/json", {}})), 200);
  const auto events = made.source->decode(stored(deep));
  EXPECT_EQ(events.at(0).type, "invalid_payload");
  EXPECT_EQ(events.at(0).raw, json::value(deep));
}

TEST(GenericConfig, SaysWhatIsWrong) {
  for (const auto& [yaml, word] : std::vector<std::pair<std::string, std::string>>{
           {"system: generic", "verify"},
           {"system: generic\nverify: {}", "verify"},
           {"system: generic\nverify: {bearer: long-enough, basic: {user: a, password: long-enough}}", "verify"},
           {"system: generic\nverify: {bearer: ''}", "bearer"},
           {"system: generic\nverify: {beaer: long-enough}", "bearer"},
           {"system: generic\nverify: {basic: {user: a, pasword: long-enough}}", "password"},
           {"system: generic\nverify: {hmac_sha256: {header: X, secret: long-enough, encoding: hexx}}", "hex"},
           {"system: generic\nverify: {hmac_sha256: {secret: long-enough}}", "header"},
           {"system: generic\nverify: {standard_webhooks: 'whsec_***'}", "whsec_"},
           {"system: generic\nverify: {field: {path: a..b, secret: long-enough}}", "path"},
           {"system: generic\nverify: none\nmap: {tpye: .a}", "type"},
           {"system: generic\nverify: none\nmap: {thread: .a}", "chat"},
           {"system: generic\nverify: none\nmap: {type: '.a |'}", "test.yaml:5"}}) {
    const auto made = make_source(systems::generic_kind(), yaml);
    EXPECT_FALSE(made.source) << yaml;
    EXPECT_TRUE(made.failed) << yaml;
    EXPECT_NE(made.problems.find(word), std::string::npos) << yaml << " gave " << made.problems;
  }
}

}  // namespace
}  // namespace chatrelay::testing
