// Several deliveries in one request, as the engine builds it and reads its answer; and what the linter says of files
// with batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "destinations/connector/batch_execution.hpp"
#include "destinations/connector/batch_results.hpp"
#include "destinations/connector/inline_tests.hpp"
#include "destinations/connector/manual.hpp"
#include "destinations/connector/registry.hpp"
#include "destinations/connector/shipped.hpp"
#include "destinations/kinds.hpp"
#include "store/memory/memory_store.hpp"
#include "unit/destinations/scripted_servers.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::connector;
using destinations::testing::HttpSink;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace {

const char* const people = R"(connector: people
version: 1
about: An invented service
base_url: https://people.example/api
settings:
  token: {type: secret, required: true}
outcome:
  - {status: 429, class: throttle, wait: {time: 7s}}
default_action: upsert
actions:
  upsert:
    with:
      email: {required: true, max: {length: 30, unit: characters, mode: reject}}
      name: {max: {length: 8, unit: characters, mode: truncate}}
    idempotency: {body: true}
    request: {method: PUT, url: "/people/{{ .with.email }}", headers: {x-token: "{{ .settings.token }}"}, body: {name: "{{ .with.name }}"}}
    outcome:
      - {status: 422, class: reject, reason: "not a person"}
    batch:
      max: 3
      wait: 500ms
      url: /people/batch
      body: {people: "{{ .items }}"}
      item: {id: "{{ .delivery.id }}", email: "{{ .with.email | ascii_downcase }}", name: "{{ .with.name }}", known: "{{ .links.visitor.person }}"}
      outcome:
        - {status: 207, class: partial}
      results: .results
      match: {item: .email, result: .person}
      ok: .state == "done"
      class: reject
      reason: "{{ .why }}"
  note:
    with: {text: {required: true}}
    request: {url: /notes, body: {text: "{{ .with.text }}"}}
    batch:
      max: 200
      url: /notes/batch
      body: "{{ .items }}"
      item: "{{ .with.text }}"
      outcome:
        - {status: 207, class: partial}
      results: .
      ok: .
      class: retry
tests:
  - {name: one, settings: {token: t}, with: {email: a@b.example}, expect_request: {url: "https://people.example/api/people/a%40b.example"}, expect_class: ok}
  - {name: one that is none, settings: {token: t}, with: {email: a@b.example}, reply: {status: 422}, expect_class: reject}
  - {name: too many, settings: {token: t}, with: {email: a@b.example}, reply: {status: 429}, expect_class: throttle, expect_wait: 7s}
  - name: two
    settings: {token: t}
    batch:
      - {with: {email: A@b.example, name: Annabelle Lee}, links: {visitor: {person: "7"}}}
      - {with: {email: b@b.example}, delivery: 01JCZ000000000000000000009}
    expect_request:
      method: PUT
      url: https://people.example/api/people/batch
      headers: {x-token: t}
      body: {people: [{id: 01JCZ0000000000000000TEST0, email: a@b.example, name: Annabel…, known: "7"}, {id: 01JCZ000000000000000000009, email: b@b.example}]}
    reply: {status: 207, body: {results: [{person: b@b.example, state: done}, {person: a@b.example, state: bad, why: "no such domain"}]}}
    expect_each: [{class: reject, reason: "HTTP 207: no such domain"}, {class: ok}]
  - {name: a note, settings: {token: t}, action: note, with: {text: Hello}, expect_class: ok}
  - {name: notes, settings: {token: t}, action: note, batch: [{with: {text: A}}, {with: {text: B}}], expect_request: {body: [A, B]}, reply: {status: 207, body: [true, false]}, expect_each: [{class: ok}, {class: retry}]}
)";

std::string problems_of(const std::string& text, bool lint = true) {
  config::Problems problems;
  const auto file = parse_connector(text, "people.yaml", problems);
  if (file && lint) lint_connector(*file, problems);
  return problems.to_string();
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

http::ClientResponse reply(int status, std::string body = {}) {
  http::ClientResponse response;
  response.progress = http::Progress::answered;
  response.status = status;
  response.body = std::move(body);
  return response;
}

class BatchExecutions : public ::testing::Test {
 protected:
  void SetUp() override {
    config::Problems problems;
    file = parse_connector(people, "people.yaml", problems);
    ASSERT_NE(file, nullptr) << problems.to_string();
    program = file->expressions->build(problems);
    ASSERT_NE(program, nullptr) << problems.to_string();
  }
  Attempt attempt(std::string_view with) {
    Attempt one;
    one.id = "01JCZ00000000000000000000" + std::to_string(made++);
    one.with = *parse_json(with);
    one.planned_at = now;
    return one;
  }
  std::vector<Attempt> emails(std::initializer_list<const char*> all) {
    std::vector<Attempt> attempts;
    for (const char* email : all) attempts.push_back(attempt("{\"email\":\"" + std::string(email) + "\"}"));
    return attempts;
  }
  BatchExecution execution(std::vector<Attempt> attempts, std::string_view action = "upsert") {
    return BatchExecution(ExecutionSetup{*file, *file->action(action), settings, no_base_url, *program},
                          std::move(attempts));
  }
  // With one request and its answer.
  std::vector<Outcome> play(std::vector<Attempt> attempts, const http::ClientResponse& response,
                            std::string_view action = "upsert") {
    BatchExecution one = execution(std::move(attempts), action);
    EXPECT_TRUE(one.advance());
    sent = one.request(AuthPart(), now);
    if (!sent) return one.outcomes();
    one.answered(response, now);
    EXPECT_FALSE(one.advance());
    return one.outcomes();
  }
  static std::vector<OutcomeClass> classes(const std::vector<Outcome>& outcomes) {
    std::vector<OutcomeClass> all;
    for (const Outcome& one : outcomes) all.push_back(one.klass);
    return all;
  }

  const WallTime now = *parse_rfc3339("2026-01-02T03:04:05Z");
  const std::string no_base_url;
  const json::object settings{{"token", "t0"}};
  std::shared_ptr<const ConnectorFile> file;
  std::unique_ptr<expression::Program> program;
  std::optional<http::ClientRequest> sent;
  int made = 0;
};

using enum OutcomeClass;

}  // namespace

TEST(ConnectorBatches, AFileWithBatchesIsClean) {
  EXPECT_EQ(problems_of(people), "");
}

TEST(ConnectorBatches, WhatCannotBeBesideABatchIsSaidAtItsPlace) {
  const auto says = [](const std::string& what, const std::string& with, const std::string& message) {
    EXPECT_THAT(problems_of(replaced(people, what, with)), HasSubstr(message)) << with;
  };
  says("idempotency: {body: true}", "idempotency: {header: Idempotency-Key}",
       "people.yaml:15: actions.upsert.idempotency must be {body: true} or none");
  says("idempotency: {body: true}", "idempotency: {url: true}", "must be {body: true} or none");
  says("idempotency: {body: true}", "save: {scope: visitor, person: .id}", "save cannot be beside a batch");
  says("idempotency: {body: true}", "keep: {person: .id}", "keep cannot be beside a batch");
  says("mode: truncate", "mode: split", "people.yaml:14: actions.upsert.with.name.max cannot be split");
  says("request: {method: PUT,", "request: {method: PUT, sign: {standard_webhooks: \"{{ .settings.token }}\"},",
       "request.sign cannot be beside a batch");
  says("    request: {url: /notes, body: {text: \"{{ .with.text }}\"}}",
       "    steps: [{name: a, request: {url: /notes, body: {text: \"{{ .with.text }}\"}}}]", "this one has steps");
}

TEST(ConnectorBatches, ARequestOfSeveralCannotSpeakOfOne) {
  EXPECT_THAT(problems_of(replaced(people, "      url: /people/batch\n", "")),
              HasSubstr("people.yaml:16: actions.upsert.request.url names .with"));
  EXPECT_THAT(problems_of(replaced(people, "{x-token: \"{{ .settings.token }}\"}", "{x-id: \"{{ .delivery.id }}\"}")),
              HasSubstr("actions.upsert.request.headers names .delivery"));
  EXPECT_THAT(problems_of(replaced(people, "{people: \"{{ .items }}\"}",
                                   "{people: \"{{ .items }}\", c: \"{{ .links.chat.a }}\"}")),
              HasSubstr("batch.body names .links"));
  EXPECT_THAT(problems_of(replaced(people, "body: {people: \"{{ .items }}\"}", "body: {people: []}")),
              HasSubstr("does not hold {{ .items }}"));
  EXPECT_THAT(problems_of(replaced(people, "item: \"{{ .with.text }}\"", "item: \"{{ .items }}\"")),
              HasSubstr("cannot hold .items"));
}

TEST(ConnectorBatches, WhatIsMissingOrTooMuch) {
  EXPECT_THAT(problems_of(replaced(people, "      max: 3\n", "")), HasSubstr("needs max"));
  EXPECT_THAT(problems_of(replaced(people, "max: 3\n", "max: 1\n")), HasSubstr("people.yaml:20: "));
  EXPECT_THAT(problems_of(replaced(people, "max: 200\n", "max: 201\n")), HasSubstr("batch.max"));
  EXPECT_THAT(problems_of(replaced(people, "wait: 500ms", "wait: 11s")), HasSubstr("more than the 10s"));
  EXPECT_THAT(problems_of(replaced(people, "      item: \"{{ .with.text }}\"\n", "")), HasSubstr("needs item"));
  EXPECT_THAT(problems_of(replaced(people, "      body: \"{{ .items }}\"\n", "")), HasSubstr("needs body"));
  EXPECT_THAT(problems_of(replaced(people, "      ok: .\n", "")), HasSubstr("needs ok"));
  EXPECT_THAT(problems_of(replaced(people, "      results: .\n", "")),
              HasSubstr("partial looks at the batch's results"));
  EXPECT_THAT(problems_of(replaced(people, "      results: .\n", "")), HasSubstr("batch.ok belongs to results"));
  EXPECT_THAT(problems_of(replaced(people, "class: partial}\n      results: .\n", "class: ok}\n      results: .\n")),
              HasSubstr("are looked at by an outcome of the class partial"));
  EXPECT_THAT(problems_of(replaced(people, "match: {item: .email, result: .person}", "match: {item: .email}")),
              HasSubstr("needs result"));
  EXPECT_THAT(problems_of(replaced(people, "      class: retry", "      class: throttle")), HasSubstr("one of"));
  EXPECT_THAT(problems_of(replaced(people, "wait: 500ms", "wiat: 500ms")), HasSubstr("wait"));
  EXPECT_THAT(problems_of(replaced(people, "    batch:\n      max: 200", "    batch: yes\n    x:\n      max: 200")),
              HasSubstr("must be a map"));
}

TEST(ConnectorBatches, TheLinterDemandsATestForABatchItsPartialAndBothResults) {
  const std::string notes = people;
  const auto at = notes.find("  - {name: notes");
  const std::string without = notes.substr(0, at);
  EXPECT_THAT(problems_of(without), HasSubstr("no test meets the batch of action note"));
  EXPECT_THAT(problems_of(without), HasSubstr("no test meets this outcome rule"));
  const std::string all_good = replaced(replaced(notes, "body: [true, false]", "body: [true, true]"),
                                        "[{class: ok}, {class: retry}]", "[{class: ok}, {class: ok}]");
  EXPECT_THAT(problems_of(all_good), HasSubstr("says that it is bad"));
  EXPECT_THAT(problems_of(all_good), Not(HasSubstr("says that it is good")));
  const std::string all_bad = replaced(replaced(notes, "body: [true, false]", "body: [false, false]"),
                                       "[{class: ok}, {class: retry}]", "[{class: retry}, {class: retry}]");
  EXPECT_THAT(problems_of(all_bad), HasSubstr("says that it is good"));
  const std::string whole =
      replaced(replaced(notes, "reply: {status: 207, body: [true, false]}", "reply: {status: 200}"),
               "[{class: ok}, {class: retry}]", "[{class: ok}, {class: ok}]");
  EXPECT_THAT(problems_of(whole), HasSubstr("no test meets this outcome rule"));
}

TEST(ConnectorBatches, ATestOfABatchFailsWhereSomethingElseComes) {
  EXPECT_THAT(problems_of(replaced(people, "expect_each: [{class: ok}, {class: retry}]",
                                   "expect_each: [{class: ok}, {class: reject}]")),
              HasSubstr("delivery 2: class is \"retry\", expected \"reject\""));
  EXPECT_THAT(problems_of(replaced(people, "body: [A, B]", "body: [A, C]")), HasSubstr("body is "));
  EXPECT_THAT(problems_of(replaced(people, "no such domain\"}, {class: ok}", "another reason\"}, {class: ok}")),
              HasSubstr("delivery 1: reason is"));
  EXPECT_THAT(problems_of(replaced(people, "expect_each: [{class: ok}, {class: retry}]", "expect_each: [{class: ok}]")),
              HasSubstr("must say something of each delivery"));
  EXPECT_THAT(
      problems_of(replaced(people, "batch: [{with: {text: A}}, {with: {text: B}}]", "batch: [{with: {text: A}}]")),
      HasSubstr("two deliveries or more"));
  EXPECT_THAT(problems_of(replaced(people, "batch: [{with: {text: A}}, {with: {text: B}}]",
                                   "batch: [{with: {text: A}, action: note}, {with: {text: B}}]")),
              HasSubstr("action"));
  EXPECT_THAT(problems_of(replaced(people, "action: note, batch:", "action: note, links: {}, batch:")),
              HasSubstr("is not of a batch as a whole"));
  EXPECT_THAT(problems_of(replaced(people, "batch: [{with: {text: A}}, {with: {text: B}}]",
                                   "expect_unsent: true, batch: [{with: {text: A}}, {with: {text: B}}]")),
              HasSubstr("a request was built, expected none"));
}

TEST(ConnectorBatches, TheManualSaysIt) {
  config::Problems problems;
  const auto file = parse_connector(people, "people.yaml", problems);
  ASSERT_NE(file, nullptr);
  const std::string page = manual_page(*file);
  EXPECT_THAT(page, HasSubstr("up to 3 deliveries of different chats leave in one request"));
  EXPECT_THAT(page, HasSubstr("500ms"));
}

TEST_F(BatchExecutions, WithoutPartialAnOutcomeHoldsForAll) {
  EXPECT_THAT(classes(play(emails({"a@b.c", "b@b.c"}), reply(200))), ElementsAre(ok, ok));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->url, "https://people.example/api/people/batch");
  const auto throttled = play(emails({"a@b.c", "b@b.c"}), reply(429));
  EXPECT_THAT(classes(throttled), ElementsAre(throttle, throttle));
  EXPECT_EQ(throttled[1].wait, Millis{7'000});
  const auto failed = play(emails({"a@b.c", "b@b.c"}), reply(500));
  EXPECT_THAT(classes(failed), ElementsAre(OutcomeClass::retry, OutcomeClass::retry));
  EXPECT_TRUE(failed[0].destination_fault);
  EXPECT_THAT(classes(play(emails({"a@b.c", "b@b.c"}), reply(401))), ElementsAre(disable, disable));
}

TEST_F(BatchExecutions, WhatIsRefusedTogetherIsNobodysFaultYet) {
  const auto refused = play(emails({"a@b.c", "b@b.c"}), reply(422));
  EXPECT_THAT(classes(refused), ElementsAre(partial, partial));
  EXPECT_THAT(refused[0].reason, HasSubstr("HTTP 422: not a person; refused together with others"));
  EXPECT_FALSE(refused[0].destination_fault);
  EXPECT_EQ(refused[0].status, 422);
}

TEST_F(BatchExecutions, AnAnswerThatNeverCameIsTriedAgainWhereThatIsHarmless) {
  http::ClientResponse none;
  none.progress = http::Progress::sent;
  EXPECT_THAT(classes(play(emails({"a@b.c", "b@b.c"}), none)), ElementsAre(OutcomeClass::retry, OutcomeClass::retry));
  EXPECT_THAT(classes(play({attempt(R"({"text":"x"})"), attempt(R"({"text":"y"})")}, none, "note")),
              ElementsAre(ambiguous, ambiguous));
}

TEST_F(BatchExecutions, OneThatCannotBeBuiltIsLeftOut) {
  const auto outcomes =
      play(emails({"a@b.c", "a-name-that-is-too-long@for.this.example", "b@b.c"}),
           reply(207, R"({"results":[{"person":"b@b.c","state":"done"},{"person":"a@b.c","state":"done"}]})"));
  EXPECT_THAT(classes(outcomes), ElementsAre(ok, reject, ok));
  EXPECT_THAT(outcomes[1].reason, HasSubstr("not sent: with: email is longer"));
  ASSERT_TRUE(sent);
  EXPECT_THAT(sent->body, Not(HasSubstr("too-long")));
}

TEST_F(BatchExecutions, WhereNoneCanBeBuiltNothingIsSent) {
  BatchExecution one = execution({attempt("{}"), attempt(R"({"nonsense":1})")});
  EXPECT_FALSE(one.advance());
  EXPECT_THAT(classes(one.outcomes()), ElementsAre(reject, reject));
}

TEST_F(BatchExecutions, WhatIsTooMuchForOneRequestIsTriedAlone) {
  std::vector<Attempt> attempts;
  for (int i = 0; i < 3; ++i) attempts.push_back(attempt("{\"text\":\"" + std::string(500'000, 'x') + "\"}"));
  BatchExecution one = execution(std::move(attempts), "note");
  ASSERT_TRUE(one.advance());
  EXPECT_FALSE(one.request(AuthPart(), now));
  EXPECT_FALSE(one.advance());
  EXPECT_THAT(classes(one.outcomes()), ElementsAre(partial, partial, partial));
}

TEST_F(BatchExecutions, ResultsAreFoundByTheirKey) {
  const auto outcomes = play(
      emails({"a@b.c", "B@b.c", "c@b.c"}),
      reply(207, R"({"results":[{"person":"c@b.c","state":"bad","why":"gone"},{"person":"b@b.c","state":"done"}]})"));
  EXPECT_THAT(classes(outcomes), ElementsAre(OutcomeClass::retry, ok, reject))
      << "of the first the answer says nothing: it may have been applied, and a repeat is harmless";
  EXPECT_THAT(outcomes[0].reason, HasSubstr("says nothing of this one"));
  EXPECT_EQ(outcomes[2].reason, "HTTP 207: gone");
  EXPECT_EQ(outcomes[2].response, R"({"person":"c@b.c","state":"bad","why":"gone"})");
  EXPECT_EQ(outcomes[1].status, 207);
}

TEST_F(BatchExecutions, OrInOrder) {
  const auto notes = [&] { return std::vector<Attempt>{attempt(R"({"text":"x"})"), attempt(R"({"text":"y"})")}; };
  EXPECT_THAT(classes(play(notes(), reply(207, "[false,true]"), "note")), ElementsAre(OutcomeClass::retry, ok));
  for (const char* answer : {"[true]", "[true,true,true]", "{}", "null", "nonsense", "\"ok\"", ""})
    EXPECT_THAT(classes(play(notes(), reply(207, answer), "note")), ElementsAre(ambiguous, ambiguous)) << answer;
}

TEST_F(BatchExecutions, AHostileAnswerHurtsNobody) {
  for (const char* answer :
       {R"({"results":[{"person":{"a":1},"state":"done"},null,7,"x",[],{"person":null},{"person":""}]})",
        R"({"results":{"person":"a@b.c"}})", R"({"results":null})", R"([1,2])"})
    EXPECT_THAT(classes(play(emails({"a@b.c", "b@b.c"}), reply(207, answer))),
                ElementsAre(OutcomeClass::retry, OutcomeClass::retry))
        << answer;
  const std::string hostile = R"({"results":[{"person":"a@b.c","state":"bad","why":"x\r\n\u001b[31m)" +
                              std::string(5'000, 'y') + R"("},{"person":"b@b.c","state":"done"}]})";
  const auto outcomes = play(emails({"a@b.c", "b@b.c"}), reply(207, hostile));
  EXPECT_LE(outcomes[0].reason.size(), 500u);
  EXPECT_THAT(outcomes[0].reason, Not(HasSubstr("\n")));
  EXPECT_THAT(outcomes[0].reason, Not(HasSubstr("\x1b")));
  EXPECT_LE(outcomes[0].response.size(), 4096u);
}

TEST_F(BatchExecutions, TheSameDeliveriesGiveTheSameBytes) {
  play(emails({"a@b.c", "b@b.c"}), reply(500));
  const std::string first = sent->body;
  made = 0;
  play(emails({"a@b.c", "b@b.c"}), reply(500));
  EXPECT_EQ(sent->body, first);
  EXPECT_EQ(
      first,
      R"({"people":[{"id":"01JCZ000000000000000000000","email":"a@b.c"},{"id":"01JCZ000000000000000000001","email":"b@b.c"}]})");
}

TEST_F(BatchExecutions, ARefusedTokenIsRenewedForAllOfThem) {
  BatchExecution one = execution(emails({"a@b.c", "b@b.c"}));
  ASSERT_TRUE(one.request(AuthPart(), now));
  one.answered(reply(401), now);
  EXPECT_EQ(one.result().klass, disable);
  one.again();
  ASSERT_TRUE(one.advance());
  ASSERT_TRUE(one.request(AuthPart(), now));
  one.answered(reply(200), now);
  EXPECT_THAT(classes(one.outcomes()), ElementsAre(ok, ok));
}

TEST_F(BatchExecutions, ItemsWithOneKeyTakeItsResultsInTurn) {
  const Batch& batch = *file->action("upsert")->batch;
  const json::array items =
      parse_json(R"([{"email":"a"},{"email":"b"},{"email":"a"},{"email":"a"},{"email":7}])")->as_array();
  const json::value results = *parse_json(R"([{"person":"a","n":1},{"person":7,"n":2},{"person":"a","n":3}])");
  const auto found = results_of(items, results, batch.match, *program);
  std::vector<std::int64_t> numbers;
  for (const json::value* one : found) numbers.push_back(one == nullptr ? 0 : one->at("n").as_int64());
  EXPECT_THAT(numbers, ElementsAre(1, 0, 3, 3, 2));
}

TEST(ConnectorBatches, ADestinationSendsThemInOneRequest) {
  boost::asio::io_context io{1};
  http::Client client{io.get_executor(), http::Client::Options{}};
  ManualClock clock{from_ms(1'614'265'330'000)};
  RoomBell bell;
  const auto store = store::make_memory_store(clock);
  const Context context{io.get_executor(), client, clock, {}, "relay.example", *store, bell};
  const std::string answer = R"({"results":[{"person":"a@b.c","state":"done"},{"person":"b@b.c","state":"bad"}]})";
  HttpSink sink({"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/json\r\nContent-Length: " +
                     std::to_string(answer.size()) + "\r\nConnection: close\r\n\r\n" + answer,
                 "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"});
  config::Problems problems;
  const ShippedConnector shipped[] = {{"people", people}};
  const DestinationKind kind = connector_kind(Registry::load(shipped, {}, problems));
  const auto config =
      config::parse_config("destinations:\n  crm: {connector: people, token: t0, allow_private: true, base_url: \"" +
                               sink.url("/api") + "\"}\n",
                           "chatrelay.yaml", problems, config::Environment::process());
  ASSERT_NE(config.destination("crm"), nullptr) << problems.to_string();
  const auto destination = kind.make(*config.destination("crm"), context, problems);
  ASSERT_NE(destination, nullptr) << problems.to_string();

  for (const char* action : {"upsert", ""}) {
    const auto limits = destination->batch(action);
    ASSERT_TRUE(limits) << action;
    EXPECT_EQ(limits->max, 3u);
    EXPECT_EQ(limits->wait, Millis{500});
  }
  EXPECT_FALSE(destination->batch("nonsense"));

  std::vector<Attempt> attempts(2);
  for (std::size_t i = 0; i < 2; ++i) {
    attempts[i].id = "01JCZ00000000000000000000" + std::to_string(i);
    attempts[i].action = "upsert";
    attempts[i].with = json::object{{"email", i == 0 ? "a@b.c" : "b@b.c"}};
  }
  const auto outcomes = destinations::testing::run(io, destination->attempt_batch(attempts));
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].klass, ok) << outcomes[0].reason;
  EXPECT_EQ(outcomes[1].klass, reject) << outcomes[1].reason;
  ASSERT_EQ(sink.requests().size(), 1u);
  EXPECT_THAT(to_lower_ascii(sink.requests()[0]), HasSubstr("put /api/people/batch http/1.1\r\n"));

  attempts.resize(1);
  const auto alone = destinations::testing::run(io, destination->attempt_batch(attempts));
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0].klass, ok) << alone[0].reason;
  EXPECT_THAT(to_lower_ascii(sink.requests()[1]), HasSubstr("put /api/people/a%40b.c http/1.1\r\n"));
}

TEST(ConnectorBatches, OtherDestinationsTakeNoneTogether) {
  class One final : public Destination {
   public:
    boost::asio::awaitable<Outcome> attempt(Attempt attempt) override {
      ids.push_back(attempt.id);
      co_return Outcome(ids.size() == 1 ? ok : reject, attempt.id);
    }
    boost::asio::awaitable<Outcome> probe() override { co_return Outcome(); }
    std::string describe() const override { return "ONE"; }
    std::vector<std::string> ids;
  };
  One one;
  EXPECT_FALSE(one.batch("send"));
  std::vector<Attempt> attempts(2);
  attempts[0].id = "A";
  attempts[1].id = "B";
  boost::asio::io_context io{1};
  const auto outcomes = destinations::testing::run(io, one.attempt_batch(attempts));
  EXPECT_THAT(one.ids, ElementsAre("A", "B"));
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].klass, ok);
  EXPECT_EQ(outcomes[1].klass, reject);
}

// ---- Invariant 10, for every batch of every shipped connector

namespace {

const char* const hostile =
    "\"}],\"x\":[{\"a\":1}] \r\nX-Evil: yes\r\n\r\n {{ .settings }} ${HOME} </script> \xe2\x80\xae @all .. %0d%0a \\";

// The list of what the deliveries became: the first one of that length. nullptr: there is none.
json::array* items_of(json::value& body, std::size_t count) {
  if (json::array* list = body.if_array(); list != nullptr && list->size() == count) return list;
  json::object* map = body.if_object();
  if (map == nullptr) return nullptr;
  for (auto& member : *map)
    if (json::array* list = items_of(member.value(), count)) return list;
  return nullptr;
}

class ShippedBatch {
 public:
  ShippedBatch(const ConnectorFile& file, const InlineTest& test, expression::Program& program)
      : file_(file), test_(test), program_(program) {}

  // The request with a text in one key of one delivery; nullopt: nothing is sent.
  std::optional<http::ClientRequest> request(std::size_t changed, const std::string& key, const char* text) {
    std::vector<Attempt> attempts;
    for (std::size_t i = 0; i < test_.batch.size(); ++i) {
      Attempt attempt = test_.batch[i].attempt;
      attempt.with = test_.batch[i].payload;
      if (i == changed && text != nullptr) attempt.with.as_object()[key] = text;
      attempts.push_back(std::move(attempt));
    }
    BatchExecution execution({file_, *file_.action(test_.action), test_.settings, no_base_url_, program_},
                             std::move(attempts));
    const Result<AuthPart> login = auth_part(file_.auth, test_.settings, test_.token, program_);
    if (!login || !execution.advance()) return std::nullopt;
    auto built = execution.request(*login, test_.now);
    execution.answered(reply(200, "{}"), test_.now);
    in_request = 0;
    for (const Outcome& one : execution.outcomes()) in_request += one.reason.starts_with("not sent: ") ? 0u : 1u;
    left_out = execution.outcomes()[changed].reason.starts_with("not sent: ");
    return built;
  }
  std::size_t in_request = 0;
  bool left_out = false;  // the one that was changed

 private:
  const ConnectorFile& file_;
  const InlineTest& test_;
  expression::Program& program_;
  const std::string no_base_url_;
};

// What one delivery says changes its own item, or leaves it out; nothing else.
void try_hostile(const ConnectorFile& file, const InlineTest& test, expression::Program& program, int& tried) {
  ShippedBatch batch(file, test, program);
  const auto calm = batch.request(0, "", nullptr);
  ASSERT_TRUE(calm);
  if (batch.in_request != test.batch.size()) return;  // one of them cannot be built anyway
  for (std::size_t changed = 0; changed < test.batch.size(); ++changed) {
    for (const auto& [key, ignored] : file.action(test.action)->schema.with) {
      SCOPED_TRACE(file.name + ", " + test.name + ": " + key + " of delivery " + std::to_string(changed + 1));
      const auto wild = batch.request(changed, key, hostile);
      ASSERT_TRUE(wild);
      EXPECT_EQ(wild->method, calm->method);
      EXPECT_EQ(wild->url, calm->url);
      EXPECT_EQ(wild->headers, calm->headers);
      json::value calm_body = *parse_json(calm->body), wild_body = *parse_json(wild->body);
      json::array* calm_items = items_of(calm_body, test.batch.size());
      json::array* wild_items = items_of(wild_body, batch.in_request);
      ASSERT_NE(calm_items, nullptr);
      ASSERT_NE(wild_items, nullptr);
      if (batch.left_out) {
        calm_items->erase(calm_items->begin() + static_cast<std::ptrdiff_t>(changed));
      } else {
        (*calm_items)[changed] = (*wild_items)[changed] = nullptr;
      }
      EXPECT_EQ(wild_body, calm_body);
      ++tried;
    }
  }
}

}  // namespace

TEST(ConnectorBatches, WhatOneVisitorTypedStaysInItsOwnItem) {
  int tried = 0;
  for (const ShippedConnector& shipped : shipped_connectors()) {
    config::Problems problems;
    const auto file = parse_connector(shipped.text, std::string(shipped.name) + ".yaml", problems);
    ASSERT_NE(file, nullptr) << problems.to_string();
    const bool batches = std::ranges::any_of(file->tests, [](const InlineTest& test) { return !test.batch.empty(); });
    if (!batches) continue;
    const auto program = file->expressions->build(problems);
    ASSERT_NE(program, nullptr) << problems.to_string();
    for (const InlineTest& test : file->tests)
      if (!test.batch.empty()) try_hostile(*file, test, *program, tried);
  }
  EXPECT_GT(tried, 30);
}
