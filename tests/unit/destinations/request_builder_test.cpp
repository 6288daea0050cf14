#include "destinations/connector/request_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "destinations/connector/execution.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::connector;
using ::testing::HasSubstr;

namespace {

class WebhookRequests : public ::testing::Test {
 protected:
  void SetUp() override {
    config::Problems problems;
    const std::string text = destinations::testing::read_file(CHATRELAY_SOURCE_DIR "/config/connectors/webhook.yaml");
    file = parse_connector(text, "webhook.yaml", problems);
    ASSERT_NE(file, nullptr) << problems.to_string();
    program = file->expressions->build(problems);
    ASSERT_NE(program, nullptr) << problems.to_string();
    settings =
        parse_json(R"({"url":"https://example.com/in","method":"POST","headers":null,"encoding":"json","sign":null})")
            ->as_object();
    attempt.id = "01JCZ000000000000000000001";
  }
  Result<http::ClientRequest> build(std::string_view with, WallTime now = {}) {
    attempt.with = *parse_json(with);
    const std::string no_base_url;
    Execution execution(ExecutionSetup{*file, *file->action(""), settings, no_base_url, *program}, attempt);
    std::optional<http::ClientRequest> request;
    if (execution.advance()) request = execution.request(AuthPart(), now);
    if (!request) return invalid(execution.outcome().reason);
    return std::move(*request);
  }
  static std::string header(const http::ClientRequest& request, std::string_view name) {
    const std::string* value = http::find_header(request.headers, name);
    return value == nullptr ? "(none)" : *value;
  }
  std::string refusal(std::string_view with) {
    const auto request = build(with);
    return request ? "(built)" : request.error().message;
  }

  std::shared_ptr<const ConnectorFile> file;
  std::unique_ptr<expression::Program> program;
  json::object settings;
  Attempt attempt;
};

}  // namespace

TEST_F(WebhookRequests, RetriesCarryTheSameBytesAndIdButAFreshTimestamp) {
  settings["sign"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const auto first = build(R"({"body":{"a":1}})", from_ms(1'000'000));
  attempt.number = 2;
  const auto second = build(R"({"body":{"a":1}})", from_ms(2'000'000));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->body, second->body);
  EXPECT_EQ(header(*first, "webhook-id"), attempt.id);
  EXPECT_EQ(header(*second, "webhook-id"), attempt.id);
  EXPECT_EQ(header(*first, "webhook-timestamp"), "1000");
  EXPECT_EQ(header(*second, "webhook-timestamp"), "2000");
  EXPECT_NE(header(*first, "webhook-signature"), header(*second, "webhook-signature"));
}

TEST_F(WebhookRequests, AnEventIsNotTakenForAWith) {
  // It has a key named as one of `with`, and many others.
  const auto request = build(R"({"id":"1","type":"x","body":"mine","headers":{"Host":"evil"}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, R"({"id":"1","type":"x","body":"mine","headers":{"Host":"evil"}})");
}

TEST_F(WebhookRequests, AnEmptyWithSendsNoBody) {
  const auto request = build("{}");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, "");
  EXPECT_EQ(header(*request, "content-type"), "(none)");
}

TEST_F(WebhookRequests, TemplateTextInAVisitorsWordsStaysText) {
  const auto request = build(R"({"body":{"text":"{{ .settings.url }} ${HOME} {{{{"}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, R"({"text":"{{ .settings.url }} ${HOME} {{{{"})");
}

TEST_F(WebhookRequests, AGivenContentTypeIsSentOnce) {
  const auto request = build(R"({"body":1,"headers":{"Content-Type":"application/cloudevents+json"}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(header(*request, "content-type"), "application/cloudevents+json");
  EXPECT_EQ(std::count_if(request->headers.begin(), request->headers.end(),
                          [](const auto& h) { return h.first.size() == 12; }),
            1);
}

TEST_F(WebhookRequests, HostileValuesAreRefusedWithTheFieldsName) {
  EXPECT_THAT(refusal(R"({"headers":{"X-A":"a\r\nX-B: c"}})"), HasSubstr("header X-A"));
  EXPECT_THAT(refusal(R"({"headers":{"X-A":"a\u0000b"}})"), HasSubstr("header X-A"));
  EXPECT_THAT(refusal(R"({"headers":{"X-A\r\nX-B":"a"}})"), HasSubstr("not a header name"));
  EXPECT_THAT(refusal(R"({"headers":{"X-A":["a"]}})"), HasSubstr("must be a text"));
  EXPECT_THAT(refusal(R"({"headers":{"Content-Length":"0"}})"), HasSubstr("Content-Length"));
  EXPECT_THAT(refusal(R"({"headers":"X-A: b"})"), HasSubstr("map"));
  EXPECT_THAT(refusal(R"({"query":{"a":{"b":1}}})"), HasSubstr("query a"));
  EXPECT_THAT(refusal(R"({"query":[1]})"), HasSubstr("map"));
  EXPECT_THAT(refusal(R"({"headers":{"X-A":")" + std::string(9000, 'x') + R"("}})"), HasSubstr("8 KiB"));
  settings["encoding"] = "form";
  EXPECT_THAT(refusal(R"({"body":"text"})"), HasSubstr("form"));
}

TEST_F(WebhookRequests, TooManyValuesAreRefused) {
  std::string headers, query;
  for (int i = 0; i < 300; ++i) {
    headers += (i ? "," : "") + ("\"X-" + std::to_string(i)) + "\":1";
    query += (i ? "," : "") + ("\"q" + std::to_string(i)) + "\":1";
  }
  EXPECT_THAT(refusal("{\"headers\":{" + headers + "}}"), HasSubstr("64 headers"));
  EXPECT_THAT(refusal("{\"query\":{" + query + "}}"), HasSubstr("256 query"));
}

TEST_F(WebhookRequests, LargeIntegersStayExact) {
  const auto request = build(R"({"body":{"n":9007199254740993,"u":18446744073709551615}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, R"({"n":9007199254740993,"u":18446744073709551615})");
}
