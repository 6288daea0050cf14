#include "common/crypto.hpp"
#include "common/text.hpp"
#include "systems/generic/generic_source.hpp"
#include "systems_support.hpp"

namespace chatrelay::testing {
namespace {

// The example of Slack's page "Verifying requests from Slack", to the byte.
const std::string documented_secret = "8f742231b10e8888abcd99yyyzzz85a5";
const std::string documented_body =
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack."
    "com"
    "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    "803a0bc887a14d10d2c447fce8b6703c";
const WallTime documented_time = from_ms(1'531'420'618'000);
Request documented() {
  return {documented_body,
          "",
          "application/x-www-form-urlencoded",
          {{"x-slack-request-timestamp", "1531420618"},
           {"x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}}};
}

class GenericSlack : public ::testing::Test {
 protected:
  systems::Verdict admit(const Request& request, WallTime at = now) { return made_.source->admit(request.view(), at); }
  Request sent(const std::string& body, WallTime at = now) {
    const auto request = made_.source->sign(body, at);
    return {request.body, "", "application/json", {request.headers.begin(), request.headers.end()}};
  }
  static int status(const systems::Verdict& verdict) {
    return verdict.accepted ? verdict.accepted->status : verdict.rejected->status;
  }
  static Made made(const std::string& more = "") {
    Made made = make_source(systems::generic_kind(),
                            "system: generic\nverify: {slack: {signing_secret: [another-secret-of-mine, " +
                                documented_secret + "]}}\n" + more,
                            "slack");
    EXPECT_TRUE(made.source) << made.problems;
    return made;
  }
  Made made_ = made();
};

TEST_F(GenericSlack, TakesTheDocumentationsExampleAndKeepsNoToken) {
  const auto verdict = admit(documented(), documented_time);
  ASSERT_EQ(status(verdict), 200);
  EXPECT_EQ(verdict.accepted->body.find("xyzz0WbapA4vBCDEFasx0q6G"), std::string::npos);
  EXPECT_TRUE(verdict.accepted->body.starts_with("team_id=T1DC2JH3J&")) << verdict.accepted->body;
  EXPECT_TRUE(verdict.accepted->keep);
}

TEST_F(GenericSlack, RefusesWhatWasChangedIsOldOrUnsigned) {
  for (const auto& [header, value] : std::vector<std::pair<std::string, std::string>>{
           {"x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b504"},
           {"x-slack-signature", "v1=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
           {"x-slack-signature", "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
           {"x-slack-signature", "v0="},
           {"x-slack-signature", "v0=zz"},
           {"x-slack-signature", ""},
           {"x-slack-request-timestamp", "1531420619"},
           {"x-slack-request-timestamp", "1531420618 "},  // a header's white space is not part of it
           {"x-slack-request-timestamp", "x"},
           {"x-slack-request-timestamp", ""}}) {
    Request request = documented();
    request.headers[header] = value;
    EXPECT_EQ(status(admit(request, documented_time)), value == "1531420618 " ? 200 : 401) << header << ": " << value;
  }
  Request changed = documented();
  changed.body += "&";
  EXPECT_EQ(status(admit(changed, documented_time)), 401);
  EXPECT_EQ(status(admit(documented(), documented_time + std::chrono::seconds(300))), 200);
  EXPECT_EQ(status(admit(documented(), documented_time + std::chrono::seconds(301))), 401);
  EXPECT_EQ(status(admit(documented(), documented_time - std::chrono::seconds(301))), 401);
}

TEST_F(GenericSlack, ASignedTimestampThatIsNoNumberIsRefused) {
  Request request{"{}", "", "application/json", {{"x-slack-request-timestamp", "soon"}}};
  request.headers["x-slack-signature"] = "v0=" + hex_encode(hmac_sha256(documented_secret, "v0:soon:{}"));
  const auto verdict = admit(request);
  ASSERT_TRUE(verdict.rejected);
  EXPECT_NE(verdict.rejected->message.find("number"), std::string::npos) << verdict.rejected->message;
}

TEST_F(GenericSlack, TheChallengeIsAnsweredAsTextIfItIsSigned) {
  const std::string body =
      R"({"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"})";
  const auto verdict = admit(sent(body));
  ASSERT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted->status, 200);
  EXPECT_FALSE(verdict.accepted->keep);
  EXPECT_EQ(verdict.accepted->answer, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
  Request stranger = sent(body);
  stranger.headers["X-Slack-Signature"] = "v0=00";
  EXPECT_EQ(status(admit(stranger)), 401) << "nobody else is told anything back";
  const auto long_one = admit(sent(R"({"type":"url_verification","challenge":")" + std::string(5000, 'x') + "\"}"));
  EXPECT_EQ(long_one.accepted->answer.size(), 1000u);
  const auto inside = admit(sent(R"({"type":"event_callback","event":{"type":"url_verification","challenge":"x"}})"));
  EXPECT_TRUE(inside.accepted->keep) << "only at the top";
}

TEST_F(GenericSlack, ARetryIsADuplicateByItsEventId) {
  const auto key = [&](const std::string& body, Headers more = {}) {
    Request request = sent(body);
    request.headers.insert(more.begin(), more.end());
    return *admit(request).accepted->dedup;
  };
  const auto first = key(R"({"type":"event_callback","event_id":"Ev1","event":{"text":"a"}})");
  const auto again = key(R"({"event_id":"Ev1","type":"event_callback","event":{"text":"a"}})",
                         {{"x-slack-retry-num", "1"}, {"x-slack-retry-reason", "http_timeout"}});
  EXPECT_EQ(first.hash, again.hash);
  EXPECT_EQ(first.window, Millis(std::chrono::hours(24)));
  EXPECT_FALSE(first.hash == key(R"({"type":"event_callback","event_id":"Ev2","event":{"text":"a"}})").hash);
  EXPECT_FALSE(key(R"({"event":{"event_id":"Ev1"}})").hash == first.hash);
}

TEST_F(GenericSlack, NoTokenIsKeptWhereverItStands) {
  const auto verdict = admit(sent(R"({"token":"tok-1234567890","event":{"type":"x","token":"tok-1234567890"}})"));
  ASSERT_TRUE(verdict.accepted);
  EXPECT_EQ(verdict.accepted->body.find("tok-1234567890"), std::string::npos) << verdict.accepted->body;

  Made named =
      make_source(systems::generic_kind(), "system: generic\nverify: {slack: {signing_secret: " + documented_secret +
                                               ", verification_token: tok-1234567890}}");
  ASSERT_TRUE(named.source) << named.problems;
  const auto sent_form = named.source->sign("payload=%7B%22token%22%3A%22tok-1234567890%22%7D", now);
  Request form{
      sent_form.body, "", "application/x-www-form-urlencoded", {sent_form.headers.begin(), sent_form.headers.end()}};
  const auto button = named.source->admit(form.view(), now);
  ASSERT_TRUE(button.accepted);
  EXPECT_EQ(button.accepted->body.find("tok-1234567890"), std::string::npos) << button.accepted->body;
}

TEST_F(GenericSlack, WhatIsWrongInTheConfigurationIsSaid) {
  for (const auto& [yaml, word] : std::vector<std::pair<std::string, std::string>>{
           {"verify: {slack: a-secret-of-16-bytes}", "signing_secret"},
           {"verify: {slack: {}}", "signing_secret"},
           {"verify: {slack: {signing_secret: a-secret-of-16-bytes, token: x}}", "token"}}) {
    const Made wrong = make_source(systems::generic_kind(), "system: generic\n" + yaml);
    EXPECT_FALSE(wrong.source) << yaml;
    EXPECT_NE(wrong.problems.find(word), std::string::npos) << wrong.problems;
  }
}

}  // namespace
}  // namespace chatrelay::testing
