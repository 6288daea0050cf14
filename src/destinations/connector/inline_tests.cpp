#include "destinations/connector/inline_tests.hpp"

#include <algorithm>
#include <set>

#include "destinations/connector/batch_play.hpp"
#include "destinations/connector/execution.hpp"
#include "destinations/connector/expectations.hpp"

namespace chatrelay::destinations::connector {

namespace {

// What the tests of a file met.
struct Met {
  std::set<const Step*> steps;
  std::set<const OutcomeRule*> rules;
  std::set<const Batch*> batches, good_results, bad_results;
};

// Plays the exchange of one test.
class Play {
 public:
  Play(const ConnectorFile& file, const Action& action, const InlineTest& test, expression::Program& program, Met& met,
       std::vector<std::string>& differences)
      : test_(test),
        met_(met),
        differences_(differences),
        execution_(ExecutionSetup{file, action, test.settings, no_base_url_, program}, attempt_of(test)),
        login_(auth_part(file.auth, test.settings, test.token, program)) {}

  Outcome run() {
    while (differences_.empty() && execution_.advance()) {
      if (!login_) {
        execution_.end(Outcome(OutcomeClass::disable, "the login failed: " + login_.error().message));
        break;
      }
      const std::optional<http::ClientRequest> request = execution_.request(*login_, test_.now);
      if (!request) break;
      answer(*request);
    }
    const Outcome outcome = execution_.outcome();
    compare_number(outcome);
    return outcome;
  }

 private:
  static Attempt attempt_of(const InlineTest& test) {
    Attempt attempt = test.attempt;
    attempt.with = test.payload;
    return attempt;
  }

  void answer(const http::ClientRequest& request) {
    if (test_.expect_unsent && !test_.exchange_given) {
      differences_.push_back("a request was built, expected none");
      return;
    }
    if (sent_ == test_.exchange.size()) {
      differences_.push_back("a further request is made: " + request.method + " " + request.url);
      return;
    }
    const Exchange& exchange = test_.exchange[sent_++];
    std::vector<std::string> differences;
    compare_request(exchange.expect_request, request, differences);
    for (const std::string& one : differences)
      differences_.push_back(test_.exchange.size() > 1 ? "request " + std::to_string(sent_) + ": " + one : one);
    // The rule is met also where the request is another one: one difference is enough to say.
    execution_.answered(exchange.reply, test_.now);
    met_.steps.insert(execution_.step());
    if (execution_.matched() != nullptr) met_.rules.insert(execution_.matched());
  }

  void compare_number(const Outcome& outcome) {
    if (!differences_.empty()) return;
    const bool unsent = outcome.reason.starts_with("not sent: ");
    if (unsent && !test_.expect_unsent) differences_.push_back("the request cannot be built: " + outcome.reason);
    if (test_.exchange_given && sent_ < test_.exchange.size() && !unsent)
      differences_.push_back("only " + std::to_string(sent_) + " of " + std::to_string(test_.exchange.size()) +
                             " requests were made");
    if (!test_.exchange_given && sent_ == 0 && !test_.expect_unsent && differences_.empty())
      differences_.push_back("no request was made: " + outcome.reason);
  }

  const std::string no_base_url_;
  const InlineTest& test_;
  Met& met_;
  std::vector<std::string>& differences_;
  Execution execution_;
  Result<AuthPart> login_;
  std::size_t sent_ = 0;
};

void play_together(const ConnectorFile& file, const Action& action, const InlineTest& test,
                   expression::Program& program, Met& met, std::vector<std::string>& differences) {
  if (!action.batch) return differences.push_back("action " + action.name + " has no batch");
  const BatchPlayed played = play_batch(file, action, test, program, differences);
  const Batch* batch = &*action.batch;
  if (played.answered) met.batches.insert(batch);
  if (played.matched != nullptr) met.rules.insert(played.matched);
  if (played.good_result) met.good_results.insert(batch);
  if (played.bad_result) met.bad_results.insert(batch);
}

InlineTestResult run_one(const ConnectorFile& file, const InlineTest& test, expression::Program& program, Met& met) {
  InlineTestResult result{test.name, test.where, {}};
  const Action* action = test.of_probe ? (file.probe ? &*file.probe : nullptr) : file.action(test.action);
  if (action == nullptr) {
    result.differences.push_back("there is no action \"" + test.action + "\"");
    return result;
  }
  if (!test.batch.empty()) {
    play_together(file, *action, test, program, met, result.differences);
    return result;
  }
  Play play(file, *action, test, program, met, result.differences);
  const Outcome outcome = play.run();
  if (result.differences.empty()) compare_outcome(test, outcome, result.differences);
  return result;
}

void look_for_uncovered(const Batch& batch, const std::string& action, const Met& met, config::Problems& uncovered) {
  if (!met.batches.contains(&batch)) uncovered.add(batch.where, "no test meets the batch of action " + action);
  if (!batch.results) return;
  if (!met.good_results.contains(&batch))
    uncovered.add(batch.where, "no test meets a result of which `ok` says that it is good");
  if (!met.bad_results.contains(&batch))
    uncovered.add(batch.where, "no test meets a result of which `ok` says that it is bad");
}

void look_for_uncovered(const ConnectorFile& file, const Met& met, config::Problems& uncovered) {
  const auto rules = [&](const std::vector<OutcomeRule>& list) {
    for (const OutcomeRule& rule : list)
      if (!met.rules.contains(&rule)) uncovered.add(rule.where, "no test meets this outcome rule");
  };
  for (const auto& [name, action] : file.actions) {
    const bool tested = std::ranges::any_of(action.steps, [&](const Step& s) { return met.steps.contains(&s); });
    if (!tested) uncovered.add(action.where, "action " + name + " has no test");
    for (const Step& step : action.steps) {
      if (tested && !met.steps.contains(&step))
        uncovered.add(step.where, "no test meets step " + step.name + " of action " + name);
      rules(step.outcome);
    }
    rules(action.outcome);
    if (!action.batch) continue;
    rules(action.batch->outcome);
    look_for_uncovered(*action.batch, name, met, uncovered);
  }
  // A probe needs no test; what is said of its answers does.
  if (file.probe) rules(file.probe->steps.front().outcome);
  rules(file.outcome);
}

}  // namespace

bool InlineTestReport::passed() const {
  return !uncovered.has_errors() &&
         std::ranges::all_of(tests, [](const auto& test) { return test.differences.empty(); });
}

InlineTestReport run_inline_tests(const ConnectorFile& file) {
  InlineTestReport report;
  const std::unique_ptr<expression::Program> program = file.expressions->build(report.uncovered);
  if (program == nullptr) return report;
  Met met;
  for (const InlineTest& test : file.tests) report.tests.push_back(run_one(file, test, *program, met));
  look_for_uncovered(file, met, report.uncovered);
  return report;
}

void lint_connector(const ConnectorFile& file, config::Problems& problems) {
  const InlineTestReport report = run_inline_tests(file);
  for (const InlineTestResult& test : report.tests) {
    for (const std::string& difference : test.differences)
      problems.add(test.where, "test \"" + test.name + "\": " + difference);
  }
  problems.append(report.uncovered);
}

}  // namespace chatrelay::destinations::connector
