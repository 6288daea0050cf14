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

http::ClientResponse reply(int status, std::string body = {}) {
  http::ClientResponse response;
  response.progress = http::Progress::answered;
  response.status = status;
  response.body = std::move(body);
  return response;
}

http::ClientResponse no_answer() {
  http::ClientResponse response;
  response.progress = http::Progress::sent;
  return response;
}

// The invented connector, step by step.
class Executions : public ::testing::Test {
 protected:
  void SetUp() override {
    config::Problems problems;
    const std::string text = destinations::testing::read_file(CHATRELAY_SOURCE_DIR "/tests/connectors/invented.yaml");
    file = parse_connector(text, "invented.yaml", problems);
    ASSERT_NE(file, nullptr) << problems.to_string();
    program = file->expressions->build(problems);
    ASSERT_NE(program, nullptr) << problems.to_string();
    settings = parse_json(R"({"account":"shop","token":"t0","tags":["chat"],"fields":null,"quiet":false,"pipeline":7})")
                   ->as_object();
    attempt.id = "01JCZ000000000000000000001";
    attempt.planned_at = now;
  }

  // Plays the replies, one for each request; what is left of them is left.
  Outcome play(std::string_view action, std::string_view with, std::vector<http::ClientResponse> replies) {
    attempt.with = *parse_json(with);
    Execution execution(ExecutionSetup{*file, *file->action(action), settings, no_base_url, *program}, attempt);
    requests.clear();
    for (const http::ClientResponse& response : replies) {
      if (!execution.advance()) break;
      const auto request = execution.request(AuthPart(), now);
      if (!request) break;
      requests.push_back(*request);
      execution.answered(response, now);
    }
    finished = !execution.advance();
    return execution.outcome();
  }
  // What a retry gets: what the attempt before left.
  void retry(const Outcome& outcome) {
    attempt.progress = outcome.progress;
    ++attempt.number;
    for (const Saved& saved : outcome.saved) {
      if (!attempt.links.contains(saved.scope)) attempt.links[saved.scope] = json::object{};
      attempt.links[saved.scope].as_object()[saved.key] = saved.value;
    }
  }

  const WallTime now = *parse_rfc3339("2026-01-02T03:04:05Z");
  const std::string no_base_url;
  std::shared_ptr<const ConnectorFile> file;
  std::unique_ptr<expression::Program> program;
  json::object settings;
  Attempt attempt;
  std::vector<http::ClientRequest> requests;
  bool finished = false;
};

const char* const eve = R"({"email":"eve@example.com"})";

}  // namespace

TEST_F(Executions, AFinishedStepIsNotDoneAgain) {
  const Outcome first = play("upsert_person", eve, {reply(200, R"({"items":[{"id":5}]})"), reply(500)});
  EXPECT_EQ(first.klass, OutcomeClass::retry);
  EXPECT_EQ(json::serialize(first.progress), R"({"steps":{"search":{"id":5}}})");
  ASSERT_EQ(requests.size(), 2u);

  retry(first);
  const Outcome second = play("upsert_person", eve, {reply(204)});
  EXPECT_TRUE(finished);
  EXPECT_EQ(second.klass, OutcomeClass::ok) << second.reason;
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "PATCH");
  EXPECT_EQ(requests[0].url, "https://shop.invented.example/api/persons/5");
  ASSERT_EQ(second.saved.size(), 1u);
  EXPECT_EQ(second.saved[0].scope, "visitor");
  EXPECT_EQ(second.saved[0].key, "person_id");
  EXPECT_EQ(second.saved[0].value, "5");
  EXPECT_TRUE(second.progress.empty());
}

TEST_F(Executions, AnEmptyTextIsNoValue) {
  for (const char* email : {R"({"email":""})", R"({"email":null})"}) {
    const Outcome outcome = play("upsert_person", email, {});
    EXPECT_EQ(outcome.klass, OutcomeClass::reject);
    EXPECT_THAT(outcome.reason, HasSubstr("\"email\" has no value"));
    EXPECT_TRUE(requests.empty());
  }
}

TEST_F(Executions, ARetryGoesOnWithThePieceThatFailed) {
  const char* const with = R"({"text":"The first half of it and the second half of it"})";
  const Outcome first = play("note", with, {reply(200, R"({"id":"n1"})"), reply(503)});
  EXPECT_EQ(first.klass, OutcomeClass::retry);
  EXPECT_EQ(first.progress.at("piece"), 1);
  ASSERT_EQ(first.saved.size(), 2u);
  EXPECT_THAT(requests[1].body, HasSubstr("thread=n1"));

  retry(first);
  // The service is asked whether the second piece arrived; the third is new.
  const Outcome second = play("note", with, {reply(404), reply(200, R"({"id":"n2"})"), reply(200, R"({"id":"n3"})")});
  EXPECT_EQ(second.klass, OutcomeClass::ok) << second.reason;
  EXPECT_TRUE(finished);
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_THAT(requests[0].url, ::testing::EndsWith("-1"));
  EXPECT_THAT(requests[1].body, HasSubstr("piece=2%2F"));
  EXPECT_THAT(requests[2].body, HasSubstr("piece=3%2F"));
  EXPECT_THAT(requests[2].body, HasSubstr("thread=n1"));
}

TEST_F(Executions, TheRequestsOfOneDeliveryAreTheSameAtEachAttempt) {
  play("upsert_person", eve, {reply(404), reply(500)});
  const auto first = requests;
  ++attempt.number;
  play("upsert_person", eve, {reply(404), reply(500)});
  ASSERT_EQ(first.size(), requests.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].url, requests[i].url);
    EXPECT_EQ(first[i].headers, requests[i].headers);
    EXPECT_EQ(first[i].body, requests[i].body);
  }
}

TEST_F(Executions, WhatMayHaveBeenAppliedIsTriedAgainWhereThatIsHarmless) {
  EXPECT_EQ(play("upsert_person", eve, {reply(404), no_answer()}).klass, OutcomeClass::retry);
  attempt.planned_at = now - std::chrono::hours(3);  // the service has forgotten the key
  EXPECT_EQ(play("upsert_person", eve, {reply(404), no_answer()}).klass, OutcomeClass::ambiguous);
  EXPECT_EQ(play("upsert_person", eve, {no_answer()}).klass, OutcomeClass::retry) << "a search";
  EXPECT_EQ(play("note", R"({"text":"a"})", {no_answer()}).klass, OutcomeClass::ambiguous);
}

TEST_F(Executions, ARefusedTokenIsAnsweredWithTheSameRequest) {
  attempt.with = *parse_json(eve);
  Execution execution(ExecutionSetup{*file, *file->action("upsert_person"), settings, no_base_url, *program}, attempt);
  AuthPart login;
  login.headers = {{"Authorization", "Bearer one"}};
  ASSERT_TRUE(execution.advance());
  EXPECT_TRUE(execution.wants_login());
  const auto first = execution.request(login, now);
  ASSERT_TRUE(first);
  execution.answered(reply(200, R"({"error":"expired"})"), now);
  EXPECT_EQ(execution.result().klass, OutcomeClass::refresh_auth);
  EXPECT_FALSE(execution.advance());
  execution.again();
  ASSERT_TRUE(execution.advance());
  login.headers = {{"Authorization", "Bearer two"}};
  const auto second = execution.request(login, now);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->url, first->url);
  EXPECT_EQ(*http::find_header(second->headers, "authorization"), "Bearer two");
}

TEST_F(Executions, AProgressThatFitsNothingIsNotBelieved) {
  attempt.progress = parse_json(R"({"piece":-3,"steps":[1]})")->as_object();
  EXPECT_EQ(play("upsert_person", eve, {reply(404), reply(201, R"({"id":1})")}).klass, OutcomeClass::ok);
  EXPECT_EQ(requests.size(), 2u);
  attempt.progress = parse_json(R"({"piece":99,"steps":{"gone":{"id":1}}})")->as_object();
  EXPECT_EQ(play("upsert_person", eve, {reply(404)}).klass, OutcomeClass::ok);
  EXPECT_TRUE(requests.empty());
}

TEST_F(Executions, WhatIsSavedIsBoundedText) {
  const std::string huge = R"({"id":")" + std::string(5000, 'x') + R"("})";
  EXPECT_TRUE(play("upsert_person", eve, {reply(404), reply(201, huge)}).saved.empty());
  EXPECT_TRUE(play("upsert_person", eve, {reply(404), reply(201, R"({"id":{"a":1}})")}).saved.empty());
  EXPECT_TRUE(play("upsert_person", eve, {reply(404), reply(201, "not JSON")}).saved.empty());
  EXPECT_EQ(play("upsert_person", eve, {reply(404), reply(201, R"({"id":true})")}).saved.at(0).value, "true");
}
