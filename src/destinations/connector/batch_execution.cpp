#include "destinations/connector/batch_execution.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "common/text.hpp"
#include "destinations/connector/batch_results.hpp"
#include "destinations/connector/request_builder.hpp"
#include "destinations/outcome_text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

bool good(OutcomeClass klass) {
  return klass == OutcomeClass::ok || klass == OutcomeClass::duplicate;
}

// Nothing is split: an action with a batch splits no text.
Result<void> shorten(const Action& action, json::object& with) {
  for (const auto& [key, limit] : action.limits) {
    json::value* value = with.if_contains(key);
    if (value == nullptr || !value->is_string()) continue;
    const std::string text(value->get_string());
    if (text_length(text, limit.unit) <= limit.length) continue;
    if (limit.mode == TextMode::reject)
      return invalid("with: " + key + " is longer than the " + std::to_string(limit.length) + " that are allowed");
    *value = json::string(truncated(text, limit));
  }
  return {};
}

Result<json::value> built_item(const ExecutionSetup& setup, const Batch& batch, Attempt& attempt) {
  Result<json::object> seen =
      template_input(setup.action, setup.settings, attempt, std::exchange(attempt.with, nullptr));
  if (!seen) return seen.error();
  if (const Result<void> fits = shorten(setup.action, seen->at("with").as_object()); !fits) return fits.error();
  auto item = batch.item.render(setup.program, json::value(std::move(*seen)), expression::Escape::none,
                                expression::Nulls::leave_out);
  if (!item) return item.error();
  if (!*item || (*item)->is_null()) return invalid("item has no value");
  return std::move(**item);
}

Outcome with_answer(OutcomeClass klass, int status, const std::string& reason) {
  Outcome outcome(klass, {});
  outcome.status = status;
  const std::string code = "HTTP " + std::to_string(status);
  if (klass != OutcomeClass::ok || !reason.empty())
    outcome.reason = bounded_reason(reason.empty() ? code : code + ": " + reason);
  return outcome;
}

}  // namespace

BatchExecution::BatchExecution(const ExecutionSetup& setup, std::vector<Attempt> attempts)
    : setup_(setup), batch_(*setup.action.batch) {
  json::array items;
  members_.reserve(attempts.size());
  for (Attempt& attempt : attempts) take(std::move(attempt), items);
  in_request_ = items.size();
  seen_ = json::object{{"settings", setup_.settings}, {"items", std::move(items)}};
}

void BatchExecution::take(Attempt attempt, json::array& items) {
  Member member;
  member.planned_at = attempt.planned_at;
  Result<json::value> item = built_item(setup_, batch_, attempt);
  if (item) {
    if (seed_.empty()) seed_ = attempt.id;
    member.in_request = true;
    items.push_back(std::move(*item));
  } else {
    member.outcome = Outcome(OutcomeClass::reject, bounded_reason("not sent: " + item.error().message));
  }
  members_.push_back(std::move(member));
}

bool BatchExecution::wants_login() const {
  const bool url_by_token = setup_.base_url.empty() && setup_.file.base_url && !setup_.file.base_url->is_constant();
  return url_by_token || batch_.request.login;
}

std::optional<http::ClientRequest> BatchExecution::request(const AuthPart& auth, WallTime now) {
  CHATRELAY_ASSERT(advance(), "only what has something to send is asked for its request");
  matched_ = nullptr;
  const Result<std::string> base =
      render_base_url(setup_.file, setup_.base_url, setup_.settings, auth.token, setup_.program);
  if (!base) {
    apart("not sent: " + base.error().message);
    return std::nullopt;
  }
  static const AuthPart no_login;
  // No header with a key, and nothing that is signed with an id: who is in it may be another after a restart.
  const RequestInput input{batch_.request, seen_, *base, batch_.request.login ? auth : no_login, {}, seed_, {}, now};
  Result<http::ClientRequest> built = build_request(input, setup_.program);
  if (!built) {
    apart("not sent: " + built.error().message);
    return std::nullopt;
  }
  return std::move(*built);
}

void BatchExecution::answered(const http::ClientResponse& response, WallTime now) {
  const Answer answer(response, seen_);
  OutcomeRules rules;
  for (const auto* list :
       {&batch_.outcome, &setup_.action.steps.front().outcome, &setup_.action.outcome, &setup_.file.outcome})
    for (const OutcomeRule& rule : *list) rules.push_back(&rule);
  OutcomeContext context;
  context.now = now;
  result_ = classify(rules, answer, setup_.program, context, &matched_);
  ended_ = true;
  if (result_.klass == OutcomeClass::partial) {
    look_at_results(answer);
  } else if (result_.klass == OutcomeClass::reject && in_request_ > 1) {
    return apart(result_.reason);
  } else {
    end(result_);
  }
  for (Member& member : members_) forgive(member, now, member.outcome);
}

void BatchExecution::again() {
  CHATRELAY_ASSERT(ended_ && !good(result_.klass), "a request that succeeded is not made again");
  ended_ = false;
  result_ = Outcome();
}

void BatchExecution::end(Outcome outcome) {
  ended_ = true;
  result_ = std::move(outcome);
  for (Member& member : members_)
    if (member.in_request) member.outcome = result_;
}

// Whose fault it is shows when each is tried alone: one hostile text must not take the others with it.
void BatchExecution::apart(const std::string& reason) {
  Outcome outcome = result_;
  outcome.klass = OutcomeClass::partial;
  outcome.reason = bounded_reason(reason + "; refused together with others, so it is tried alone");
  outcome.destination_fault = false;
  end(std::move(outcome));
}

void BatchExecution::look_at_results(const Answer& answer) {
  const int status = answer.response().status;
  const json::value results = batch_.results->on(answer, setup_.program);
  const auto found = results_of(seen_.at("items").as_array(), results, batch_.match, setup_.program);
  auto result = found.begin();
  for (Member& member : members_) {
    if (!member.in_request) continue;
    member.outcome = *result == nullptr ? of_none(status) : of_result(**result, status);
    ++result;
  }
}

Outcome BatchExecution::of_result(const json::value& result, int status) {
  const Result<bool> ok = setup_.program.holds(batch_.ok, result);
  const bool holds = ok && *ok;
  (holds ? met_good_ : met_bad_) = true;
  std::string reason;
  if (!holds) {
    const Result<std::string> text = batch_.reason.render_text(setup_.program, result);
    if (text) reason = *text;
  }
  Outcome outcome = with_answer(holds ? OutcomeClass::ok : batch_.klass, status, reason);
  outcome.response = kept_response(expression::compact_json(result));
  return outcome;
}

// It may have been applied.
Outcome BatchExecution::of_none(int status) const {
  Outcome outcome = with_answer(OutcomeClass::ambiguous, status, "the answer to the batch says nothing of this one");
  outcome.response = result_.response;
  return outcome;
}

// As Execution::forgive: where a repeat is harmless, it is simply made.
void BatchExecution::forgive(const Member& member, WallTime now, Outcome& outcome) const {
  const Idempotency& idempotency = setup_.action.idempotency;
  if (outcome.klass != OutcomeClass::ambiguous || !idempotency.is_known_again()) return;
  if (idempotency.ttl && now - member.planned_at >= *idempotency.ttl) return;
  outcome.klass = OutcomeClass::retry;
}

std::vector<Outcome> BatchExecution::outcomes() const {
  std::vector<Outcome> all;
  all.reserve(members_.size());
  for (const Member& member : members_) all.push_back(member.outcome);
  return all;
}

}  // namespace chatrelay::destinations::connector
