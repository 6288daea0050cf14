#include "destinations/connector/outcome_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "common/text.hpp"
#include "destinations/connector/url.hpp"
#include "destinations/outcome_text.hpp"

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

bool matches(const OutcomeRule& rule, const http::ClientResponse& response) {
  const bool status = rule.statuses.empty() || std::ranges::any_of(rule.statuses, [&](const StatusRange& range) {
                        return response.status >= range.first && response.status <= range.last;
                      });
  if (!status) return false;
  return std::ranges::all_of(rule.headers, [&](const auto& wanted) {
    const std::string* value = http::find_header(response.headers, wanted.first);
    return value != nullptr && (wanted.second == "*" || iequals_ascii(trim(*value), wanted.second));
  });
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
  return value == nullptr ? std::nullopt : parse_wait(*value, from.milliseconds, context);
}

Outcome by_rule(const OutcomeRule& rule, const http::ClientResponse& response, const OutcomeContext& context) {
  Outcome outcome(rule.klass, {});
  if (rule.klass != OutcomeClass::ok || !rule.reason.empty()) {
    outcome.reason = status_text(response.status) + (rule.reason.empty() ? "" : ": " + rule.reason);
  }
  const bool suggested =
      rule.klass == OutcomeClass::retry || rule.klass == OutcomeClass::ambiguous || rule.klass == OutcomeClass::disable;
  outcome.destination_fault = rule.destination_fault.value_or(suggested);
  if (rule.wait) outcome.wait = wait_of(response, *rule.wait, context);
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

std::optional<Millis> parse_wait(std::string_view text, bool milliseconds, const OutcomeContext& context) {
  text = trim(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error == std::errc{} && end == text.data() + text.size() && !text.empty()) {
    if (!std::isfinite(number)) return std::nullopt;
    const double ms = milliseconds ? number : number * 1000;
    if (ms <= 0) return Millis{0};
    if (ms >= static_cast<double>(context.wait_max.count())) return context.wait_max;
    return Millis{static_cast<long long>(std::ceil(ms))};
  }
  if (error == std::errc::result_out_of_range) return text.starts_with('-') ? Millis{0} : context.wait_max;
  const std::optional<WallTime> date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::clamp(*date - context.now, Millis{0}, context.wait_max);
}

Outcome classify(std::span<const OutcomeRule> rules, const http::ClientResponse& response,
                 const OutcomeContext& context, std::optional<std::size_t>* matched) {
  if (matched != nullptr) matched->reset();
  if (response.progress != http::Progress::answered) return transport_outcome(response);
  Outcome outcome;
  const auto rule = std::ranges::find_if(rules, [&](const OutcomeRule& r) { return matches(r, response); });
  if (rule != rules.end()) {
    if (matched != nullptr) *matched = static_cast<std::size_t>(rule - rules.begin());
    outcome = by_rule(*rule, response, context);
  } else {
    outcome = by_table(response, context);
  }
  if (outcome.klass == OutcomeClass::throttle) {
    outcome.wait = std::max(outcome.wait.value_or(throttle_wait_default), throttle_wait_min);
  }
  outcome.reason = bounded_reason(outcome.reason);
  outcome.status = response.status;
  outcome.response = kept_response(response.body);
  return outcome;
}

}  // namespace chatrelay::destinations::connector
