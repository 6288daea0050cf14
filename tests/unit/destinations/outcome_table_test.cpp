#include "destinations/connector/outcome_table.hpp"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "common/secret.hpp"
#include "common/text.hpp"
#include "destinations/connector/file_reader.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::connector;

namespace {

const WallTime noon = *parse_rfc3339("2026-11-20T12:00:00Z");

http::ClientResponse answer(int status, http::Headers headers = {}) {
  http::ClientResponse response;
  response.progress = http::Progress::answered;
  response.status = status;
  response.headers = std::move(headers);
  return response;
}

OutcomeContext at_noon() {
  OutcomeContext context;
  context.now = noon;
  return context;
}

// Rules made here, and the program that their expressions are in.
class Rules {
 public:
  explicit Rules(OutcomeRules rules, expression::Builder builder = expression::Builder())
      : rules_(std::move(rules)), program_(builder.build(problems_)) {}
  Outcome classify(const http::ClientResponse& response) {
    const Answer answer(response, seen_);
    return connector::classify(rules_, answer, *program_, at_noon(), &matched_);
  }
  // Which of them decided; -1 for the built-in table.
  int matched() const {
    const auto found = std::find(rules_.begin(), rules_.end(), matched_);
    return found == rules_.end() ? -1 : static_cast<int>(found - rules_.begin());
  }

 private:
  OutcomeRules rules_;
  config::Problems problems_;
  std::unique_ptr<expression::Program> program_;
  const json::value seen_ = json::object{};
  const OutcomeRule* matched_ = nullptr;
};

struct Row {
  int status;
  const char* retry_after;  // nullptr: no header
  OutcomeClass klass;
  bool fault;
  long long wait_ms;  // -1: none
};

}  // namespace

// The one table that says whose fault an answer is.
TEST(OutcomeTable, BuiltInRows) {
  using enum OutcomeClass;
  const Row rows[] = {
      {200, nullptr, ok, false, -1},       {201, nullptr, ok, false, -1},     {202, nullptr, ok, false, -1},
      {204, nullptr, ok, false, -1},       {207, nullptr, ok, false, -1},     {299, nullptr, ok, false, -1},
      {300, nullptr, retry, true, -1},     {301, nullptr, retry, true, -1},   {302, nullptr, retry, true, -1},
      {307, nullptr, retry, true, -1},     {308, nullptr, retry, true, -1},   {304, nullptr, retry, true, -1},
      {400, nullptr, reject, false, -1},   {401, nullptr, disable, true, -1}, {402, nullptr, reject, false, -1},
      {403, nullptr, reject, false, -1},   {404, nullptr, reject, false, -1}, {405, nullptr, reject, false, -1},
      {408, nullptr, retry, true, -1},     {409, nullptr, reject, false, -1}, {410, nullptr, reject, false, -1},
      {413, nullptr, reject, false, -1},   {422, nullptr, reject, false, -1}, {425, nullptr, retry, true, -1},
      {429, nullptr, retry, true, -1},     {429, "7", throttle, false, 7000}, {429, "nonsense", retry, true, -1},
      {451, nullptr, reject, false, -1},   {500, nullptr, retry, true, -1},   {500, "3", retry, true, 3000},
      {501, nullptr, reject, false, -1},   {502, nullptr, retry, true, -1},   {503, nullptr, retry, true, -1},
      {503, "60", throttle, false, 60000}, {504, nullptr, retry, true, -1},   {599, nullptr, retry, true, -1},
      {101, nullptr, retry, true, -1},     {0, nullptr, retry, true, -1},     {600, nullptr, retry, true, -1},
      {999, nullptr, retry, true, -1},     {403, "5", reject, false, -1},     {-1, nullptr, retry, true, -1},
  };
  for (const Row& row : rows) {
    const auto response =
        answer(row.status, row.retry_after ? http::Headers{{"retry-AFTER", row.retry_after}} : http::Headers{});
    const Outcome outcome = classify(response, at_noon());
    EXPECT_EQ(to_string(outcome.klass), to_string(row.klass)) << row.status;
    EXPECT_EQ(outcome.destination_fault, row.fault) << row.status;
    EXPECT_EQ(outcome.wait ? outcome.wait->count() : -1, row.wait_ms) << row.status;
    EXPECT_EQ(outcome.status, row.status);
    EXPECT_EQ(outcome.reason.empty(), row.klass == ok) << row.status;
  }
}

TEST(OutcomeTable, SuccessIsNeverDecidedByTheBody) {
  auto response = answer(200);
  for (const char* body : {"", "ok", "1", "{\"ok\":false}", "{broken", "\xff\xfe"}) {
    response.body = body;
    EXPECT_EQ(classify(response, at_noon()).klass, OutcomeClass::ok);
  }
}

TEST(OutcomeTable, TransportFailures) {
  http::ClientResponse response;
  response.error = "Could not resolve host";
  Outcome outcome = classify(response, at_noon());
  EXPECT_EQ(outcome.klass, OutcomeClass::retry);
  EXPECT_TRUE(outcome.destination_fault);
  EXPECT_EQ(outcome.reason, "Could not resolve host");

  response.progress = http::Progress::sent;
  response.timed_out = true;
  response.error.clear();
  outcome = classify(response, at_noon());
  EXPECT_EQ(outcome.klass, OutcomeClass::ambiguous);
  EXPECT_TRUE(outcome.destination_fault);
  EXPECT_NE(outcome.reason.find("timed out"), std::string::npos);

  response = {};
  response.refused_address = true;
  outcome = classify(response, at_noon());
  EXPECT_EQ(outcome.klass, OutcomeClass::disable);
  EXPECT_NE(outcome.reason.find("allow_private: true"), std::string::npos);
}

TEST(OutcomeTable, ARedirectNamesTheHostButNeverPathOrQuery) {
  const Outcome outcome =
      classify(answer(302, {{"Location", "https://www.example.com/in/TOKEN?key=SECRET"}}), at_noon());
  EXPECT_NE(outcome.reason.find("https://www.example.com"), std::string::npos);
  EXPECT_EQ(outcome.reason.find("TOKEN"), std::string::npos);
  EXPECT_EQ(outcome.reason.find("SECRET"), std::string::npos);
  const Outcome relative = classify(answer(301, {{"Location", "/login?next=SECRET"}}), at_noon());
  EXPECT_NE(relative.reason.find("same host"), std::string::npos);
  EXPECT_EQ(relative.reason.find("SECRET"), std::string::npos);
}

TEST(OutcomeTable, WaitsInEveryFormAndWithinBounds) {
  const auto ms = [](std::string_view text, WaitUnit unit = WaitUnit::s) -> long long {
    const auto wait = parse_wait(text, unit, at_noon());
    return wait ? wait->count() : -1;
  };
  EXPECT_EQ(ms("120"), 120'000);
  EXPECT_EQ(ms(" 0.25 "), 250);
  EXPECT_EQ(ms("1500", WaitUnit::ms), 1500);
  EXPECT_EQ(ms(std::to_string(to_ms(noon) / 1000 + 30), WaitUnit::epoch_s), 30'000);
  EXPECT_EQ(ms("0", WaitUnit::epoch_s), 0);
  EXPECT_EQ(ms("2026-11-20T12:00:05Z", WaitUnit::date), 5000);
  EXPECT_EQ(ms("Fri, 20 Nov 2026 12:00:30 GMT", WaitUnit::date), 30'000);
  EXPECT_EQ(ms("30", WaitUnit::date), -1);
  EXPECT_EQ(ms("0"), 0);
  EXPECT_EQ(ms("-5"), 0);
  EXPECT_EQ(ms("99999999999999999999999999"), 86'400'000);
  EXPECT_EQ(ms("1e400"), -1);
  EXPECT_EQ(ms("86401"), 86'400'000);
  EXPECT_EQ(ms("Fri, 20 Nov 2026 12:00:30 GMT"), 30'000);
  EXPECT_EQ(ms("Friday, 20-Nov-26 12:01:00 GMT"), 60'000);
  EXPECT_EQ(ms("Thu, 19 Nov 2026 12:00:00 GMT"), 0);
  EXPECT_EQ(ms("Fri, 20 Nov 2099 12:00:00 GMT"), 86'400'000);
  for (const char* text : {"", "soon", "12s", "nan", "inf", "0x10", "1 2"}) EXPECT_EQ(ms(text), -1) << text;
}

TEST(OutcomeTable, AThrottleNeverSpins) {
  EXPECT_EQ(classify(answer(429, {{"Retry-After", "0"}}), at_noon()).wait, throttle_wait_min);
  OutcomeRule rule;
  rule.statuses = {{403, 403}};
  rule.klass = OutcomeClass::throttle;
  EXPECT_EQ(Rules({&rule}).classify(answer(403)).wait, throttle_wait_default);
}

TEST(OutcomeTable, TheFirstRuleThatMatchesWins) {
  config::Problems problems;
  expression::Builder builder;
  std::vector<OutcomeRule> list(4);
  list[0].statuses = {{400, 499}};
  list[0].headers = {{"X-Error", "limit"}};
  list[0].klass = OutcomeClass::throttle;
  list[0].wait = WaitFrom{"X-Reset-Ms", {}, {}, WaitUnit::ms};
  list[1].statuses = {{404, 404}, {410, 410}};
  list[1].klass = OutcomeClass::disable;
  list[1].reason = expression::Template::parse_text("gone for good", {}, builder, problems);
  list[2].headers = {{"X-Duplicate", "*"}};
  list[2].klass = OutcomeClass::duplicate;
  list[3].statuses = {{500, 599}};
  list[3].klass = OutcomeClass::retry;
  list[3].destination_fault = false;
  Rules rules({&list[0], &list[1], &list[2], &list[3]});

  Outcome outcome = rules.classify(answer(404, {{"x-error", " LIMIT "}, {"x-reset-ms", "2500"}}));
  EXPECT_EQ(rules.matched(), 0);
  EXPECT_EQ(outcome.wait, Millis{2500});
  outcome = rules.classify(answer(410, {{"x-error", "other"}}));
  EXPECT_EQ(rules.matched(), 1);
  EXPECT_EQ(outcome.reason, "HTTP 410: gone for good");
  EXPECT_TRUE(outcome.destination_fault);
  EXPECT_EQ(rules.classify(answer(409, {{"x-duplicate", "whatever"}})).klass, OutcomeClass::duplicate);
  EXPECT_EQ(rules.matched(), 2);
  EXPECT_FALSE(rules.classify(answer(503)).destination_fault);
  EXPECT_EQ(rules.matched(), 3);
  EXPECT_EQ(rules.classify(answer(400)).klass, OutcomeClass::reject);
  EXPECT_EQ(rules.matched(), -1);
}

TEST(OutcomeTable, RulesLookAtTheBodyBeforeTheStatus) {
  config::Problems problems;
  expression::Builder builder;
  const config::Node node = config::Document::parse(
      R"yaml(
- {status: 200, body: .ok == true, class: ok}
- {body: '.error | IN("invalid_auth", "token_revoked")', class: disable, reason: "the service says {{ .body.error }}"}
- {body: '.error == "slow" and $status == 200 and $headers["x-a"] == "b"', class: throttle, wait: {body: .after_ms, unit: ms}}
- {text: "Rate Limit", class: throttle, wait: {time: 10s}}
)yaml",
      "rules.yaml", problems, config::Environment::process());
  std::vector<OutcomeRule> list = read_outcomes(node, FileReader{problems, builder});
  ASSERT_FALSE(problems.has_errors()) << problems.to_string();
  Rules rules({&list[0], &list[1], &list[2], &list[3]}, std::move(builder));
  auto response = answer(200, {{"X-A", "b"}});

  response.body = R"({"ok":true})";
  EXPECT_EQ(rules.classify(response).klass, OutcomeClass::ok);
  EXPECT_EQ(rules.matched(), 0);
  response.body = R"({"ok":false,"error":"token_revoked"})";
  Outcome outcome = rules.classify(response);
  EXPECT_EQ(outcome.klass, OutcomeClass::disable);
  EXPECT_EQ(outcome.reason, "HTTP 200: the service says token_revoked");
  response.body = R"({"error":"slow","after_ms":2500})";
  outcome = rules.classify(response);
  EXPECT_EQ(rules.matched(), 2);
  EXPECT_EQ(outcome.wait, Millis{2500});
  response.body = "<html>Rate Limit</html>";
  outcome = rules.classify(response);
  EXPECT_EQ(rules.matched(), 3);
  EXPECT_EQ(outcome.wait, Millis{10'000});
  // What is not JSON, or of another shape, meets no rule about a body.
  for (const char* body : {"", "ok", "{broken", "[1]", "\"text\"", "null"}) {
    response.body = body;
    EXPECT_EQ(rules.classify(response).klass, OutcomeClass::ok) << body;
    EXPECT_EQ(rules.matched(), -1) << body;
  }
}

TEST(OutcomeTable, WhatIsKeptIsBoundedTextWithoutSecrets) {
  const Secret secret("a-registered-secret-of-the-outcome-test");
  auto response = answer(500);
  response.body = "\xff echo " + secret.reveal() + std::string(100'000, 'x');
  const Outcome outcome = classify(response, at_noon());
  EXPECT_LE(outcome.response.size(), 4096u);
  EXPECT_GE(outcome.response.size(), 4000u);
  EXPECT_TRUE(is_valid_utf8(outcome.response));
  EXPECT_EQ(outcome.response.find(secret.reveal()), std::string::npos);

  http::ClientResponse failed;
  failed.error = "failed with " + secret.reveal() + "\r\n" + std::string(2000, 'y');
  const Outcome transport = classify(failed, at_noon());
  EXPECT_LE(transport.reason.size(), 500u);
  EXPECT_EQ(transport.reason.find(secret.reveal()), std::string::npos);
  EXPECT_EQ(transport.reason.find('\n'), std::string::npos);
}
