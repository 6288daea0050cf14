#include "destinations/connector/outcome_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "common/json.hpp"
#include "common/text.hpp"
#include "destinations/connector/url.hpp"
#include "destinations/outcome_text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

// One row of the built-in table. The first row that holds the status decides.
struct Row {
  int first, last;
  bool with_retry_after;  // only if the answer has a readable Retry-After
  OutcomeClass klass;
  bool destination_fault;
  std::string_view hint;
};

// Whose fault is it? The rule behind the 4xx rows: what a visitor could provoke with words must not stop the
// destination for everyone. A firewall answers 403 to a message that looks like an attack, so 403 rejects that event
// alone; 401 speaks of our credentials only, so it disables. What may pass by itself is retried.
constexpr std::array<Row, 13> table{{
    {200, 299, false, OutcomeClass::ok, false, ""},
    {300, 399, false, OutcomeClass::retry, true, ""},
    {401, 401, false, OutcomeClass::disable, true, "the credentials were refused"},
    {408, 408, false, OutcomeClass::retry, true, ""},
    {425, 425, false, OutcomeClass::retry, true, ""},
    {429, 429, true, OutcomeClass::throttle, false, ""},
    {429, 429, false, OutcomeClass::retry, true, ""},
    {400, 499, false, OutcomeClass::reject, false, ""},
    {501, 501, false, OutcomeClass::reject, false, ""},
    {503, 503, true, OutcomeClass::throttle, false, ""},
    {500, 599, false, OutcomeClass::retry, true, ""},
    // Not HTTP's statuses: somebody answers garbage. Unknown failures are temporary.
    {0, 199, false, OutcomeClass::retry, true, "not a final HTTP status"},
    {600, 999, false, OutcomeClass::retry, true, "not an HTTP status"},
}};

bool headers_match(const OutcomeRule& rule, const http::ClientResponse& response) {
  return std::ranges::all_of(rule.headers, [&](const auto& wanted) {
    const std::string* value = http::find_header(response.headers, wanted.first);
    return value != nullptr && (wanted.second == "*" || iequals_ascii(trim(*value), wanted.second));
  });
}

bool truthy(const json::value& value) {
  return !value.is_null() && !(value.is_bool() && !value.get_bool());
}

bool matches(const OutcomeRule& rule, const Answer& answer, expression::Program& program) {
  const http::ClientResponse& response = answer.response();
  const bool status = rule.statuses.empty() || std::ranges::any_of(rule.statuses, [&](const StatusRange& range) {
                        return response.status >= range.first && response.status <= range.last;
                      });
  if (!status || !headers_match(rule, response)) return false;
  if (!rule.text.empty() && response.body.find(rule.text) == std::string::npos) return false;
  return !rule.body || (answer.body() != nullptr && truthy(rule.body->on(answer, program)));
}

std::string status_text(int status) {
  return "HTTP " + std::to_string(status);
}

std::string redirect_reason(const http::ClientResponse& response) {
  const std::string* location = http::find_header(response.headers, "Location");
  const std::string origin = location == nullptr ? std::string{} : shown_origin(*location);
  if (location == nullptr) return status_text(response.status);
  const std::string to = origin.empty() ? "another path of the same host" : origin;
  return status_text(response.status) + ": the redirect to " + to + " is not followed: set that url";
}

Outcome transport_outcome(const http::ClientResponse& response) {
  if (response.refused_address) {
    Outcome outcome(
        OutcomeClass::disable,
        "the host has a private or loopback address, which is refused; set allow_private: true if that is meant");
    outcome.destination_fault = true;
    return outcome;
  }
  const bool sent = response.progress == http::Progress::sent;
  const std::string error = response.error.empty() ? (response.timed_out ? "timed out" : "no answer") : response.error;
  Outcome outcome(sent ? OutcomeClass::ambiguous : OutcomeClass::retry,
                  bounded_reason(sent ? "sent, but no complete answer: " + error : error));
  outcome.destination_fault = true;
  return outcome;
}

std::optional<Millis> wait_of(const http::ClientResponse& response, const WaitFrom& from,
                              const OutcomeContext& context) {
  const std::string* value = http::find_header(response.headers, from.header);
  return value == nullptr ? std::nullopt : parse_wait(*value, from.unit, context);
}

std::optional<Millis> wait_of(const Answer& answer, const WaitFrom& from, expression::Program& program,
                              const OutcomeContext& context) {
  if (from.time) return std::min(*from.time, context.wait_max);
  if (!from.body) return wait_of(answer.response(), from, context);
  const json::value value = from.body->on(answer, program);
  if (value.is_null()) return std::nullopt;
  const std::string text = value.is_string() ? std::string(value.get_string()) : expression::compact_json(value);
  return parse_wait(text, from.unit, context);
}

// A reason that cannot be rendered is left out: the class is what counts.
std::string reason_of(const OutcomeRule& rule, const Answer& answer, expression::Program& program) {
  const bool constant = rule.reason.is_constant();
  const Result<std::string> reason = rule.reason.render_text(program, constant ? json::value() : answer.whole());
  return reason ? *reason : std::string{};
}

Outcome by_rule(const OutcomeRule& rule, const Answer& answer, expression::Program& program,
                const OutcomeContext& context) {
  Outcome outcome(rule.klass, {});
  const std::string reason = reason_of(rule, answer, program);
  if (rule.klass != OutcomeClass::ok || !reason.empty()) {
    outcome.reason = status_text(answer.response().status) + (reason.empty() ? "" : ": " + reason);
  }
  const bool suggested =
      rule.klass == OutcomeClass::retry || rule.klass == OutcomeClass::ambiguous || rule.klass == OutcomeClass::disable;
  outcome.destination_fault = rule.destination_fault.value_or(suggested);
  if (rule.wait) outcome.wait = wait_of(answer, *rule.wait, program, context);
  return outcome;
}

Outcome by_table(const http::ClientResponse& response, const OutcomeContext& context) {
  const std::optional<Millis> wait = wait_of(response, WaitFrom{}, context);
  for (const Row& row : table) {
    if (response.status < row.first || response.status > row.last || (row.with_retry_after && !wait)) continue;
    Outcome outcome(row.klass, {});
    outcome.destination_fault = row.destination_fault;
    if (row.klass == OutcomeClass::ok) return outcome;
    outcome.reason = row.first == 300 ? redirect_reason(response) : status_text(response.status);
    if (!row.hint.empty()) outcome.reason += ": " + std::string(row.hint);
    // A 500 may carry Retry-After too: it is honoured as the time of the next attempt.
    if (row.klass == OutcomeClass::throttle || row.klass == OutcomeClass::retry) outcome.wait = wait;
    return outcome;
  }
  Outcome outcome(OutcomeClass::retry, status_text(response.status));
  outcome.destination_fault = true;
  return outcome;
}

}  // namespace

namespace {

// A number of seconds or milliseconds, as a wait within bounds.
Millis bounded(double ms, const OutcomeContext& context) {
  if (ms <= 0) return Millis{0};
  if (ms >= static_cast<double>(context.wait_max.count())) return context.wait_max;
  return Millis{static_cast<long long>(std::ceil(ms))};
}

Outcome finished(Outcome outcome, const http::ClientResponse& response) {
  if (outcome.klass == OutcomeClass::throttle) {
    outcome.wait = std::max(outcome.wait.value_or(throttle_wait_default), throttle_wait_min);
  }
  outcome.reason = bounded_reason(outcome.reason);
  outcome.status = response.status;
  outcome.response = kept_response(response.body);
  return outcome;
}

}  // namespace

std::optional<Millis> parse_wait(std::string_view text, WaitUnit unit, const OutcomeContext& context) {
  text = trim(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error == std::errc{} && end == text.data() + text.size() && !text.empty()) {
    if (!std::isfinite(number)) return std::nullopt;
    if (unit == WaitUnit::epoch_s) return bounded(number * 1000 - static_cast<double>(to_ms(context.now)), context);
    if (unit == WaitUnit::date) return std::nullopt;
    return bounded(unit == WaitUnit::ms ? number : number * 1000, context);
  }
  if (error == std::errc::result_out_of_range) return text.starts_with('-') ? Millis{0} : context.wait_max;
  std::optional<WallTime> date = parse_http_date(text);
  if (!date && unit == WaitUnit::date) date = parse_rfc3339(text);
  if (!date) return std::nullopt;
  return std::clamp(*date - context.now, Millis{0}, context.wait_max);
}

Outcome classify(const http::ClientResponse& response, const OutcomeContext& context) {
  if (response.progress != http::Progress::answered) return transport_outcome(response);
  return finished(by_table(response, context), response);
}

Outcome classify(const OutcomeRules& rules, const Answer& answer, expression::Program& program,
                 const OutcomeContext& context, const OutcomeRule** matched) {
  if (matched != nullptr) *matched = nullptr;
  const http::ClientResponse& response = answer.response();
  if (response.progress != http::Progress::answered) return transport_outcome(response);
  const auto rule = std::ranges::find_if(rules, [&](const OutcomeRule* r) { return matches(*r, answer, program); });
  if (rule == rules.end()) return classify(response, context);
  if (matched != nullptr) *matched = *rule;
  return finished(by_rule(**rule, answer, program, context), response);
}

}  // namespace chatrelay::destinations::connector
