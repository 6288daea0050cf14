#include "destinations/connector/batch_play.hpp"

#include "destinations/connector/batch_execution.hpp"
#include "destinations/connector/expectations.hpp"

namespace chatrelay::destinations::connector {

namespace {

std::vector<Attempt> attempts_of(const InlineTest& test) {
  std::vector<Attempt> attempts;
  for (const InlineTest& member : test.batch) {
    Attempt attempt = member.attempt;
    attempt.with = member.payload;
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

// What is expected of all holds for each.
void compare_outcomes(const InlineTest& test, const std::vector<Outcome>& outcomes,
                      std::vector<std::string>& differences) {
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    std::vector<std::string> of_one;
    compare_outcome(test, outcomes[i], of_one);
    compare_outcome(test.batch[i], outcomes[i], of_one);
    for (const std::string& one : of_one) differences.push_back("delivery " + std::to_string(i + 1) + ": " + one);
  }
}

}  // namespace

BatchPlayed play_batch(const ConnectorFile& file, const Action& action, const InlineTest& test,
                       expression::Program& program, std::vector<std::string>& differences) {
  BatchPlayed played;
  const std::string no_base_url;
  const Result<AuthPart> login = auth_part(file.auth, test.settings, test.token, program);
  BatchExecution execution(ExecutionSetup{file, action, test.settings, no_base_url, program}, attempts_of(test));
  std::optional<http::ClientRequest> request;
  if (execution.advance() && !login)
    execution.end(Outcome(OutcomeClass::disable, "the login failed: " + login.error().message));
  else if (execution.advance())
    request = execution.request(*login, test.now);
  if (request.has_value() == test.expect_unsent) {
    differences.push_back(request ? "a request was built, expected none"
                                  : "no request was made: " + execution.outcomes().front().reason);
    return played;
  }
  if (request) {
    compare_request(test.exchange.front().expect_request, *request, differences);
    execution.answered(test.exchange.front().reply, test.now);
    played.answered = true;
    played.matched = execution.matched();
    played.good_result = execution.met_good_result();
    played.bad_result = execution.met_bad_result();
  }
  if (differences.empty()) compare_outcomes(test, execution.outcomes(), differences);
  return played;
}

}  // namespace chatrelay::destinations::connector
