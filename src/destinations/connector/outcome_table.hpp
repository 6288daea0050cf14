// From an answer to an Outcome: a connector's own rules in order, the first that matches wins; then the built-in table.
// Pure. Rules of a connector may look at the body; the built-in table does not: a status is never decided by parsing
// a success body, because services answer "ok", "1" or nothing.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/node.hpp"
#include "destinations/connector/answer.hpp"
#include "event/outcome.hpp"
#include "expression/template.hpp"
#include "http/client.hpp"

namespace chatrelay::destinations::connector {

struct StatusRange {
  int first = 0;
  int last = 0;
};

enum class WaitUnit { s, ms, date, epoch_s };  // s also takes an HTTP-date, as Retry-After may be one

// Where a service writes how long to wait, and in what. One of the three.
struct WaitFrom {
  std::string header = "Retry-After";
  std::optional<AnswerExpression> body;
  std::optional<Millis> time;
  WaitUnit unit = WaitUnit::s;
};

struct OutcomeRule {
  std::vector<StatusRange> statuses;                         // empty: any
  std::vector<std::pair<std::string, std::string>> headers;  // all must hold; value "*": it is there at all
  std::optional<AnswerExpression> body;                      // must hold; does not where the body is not JSON
  std::string text;                                          // a part of the body as text; empty: any
  OutcomeClass klass = OutcomeClass::ok;
  expression::Template reason;  // added to "HTTP 410": what an operator should know or do; null: nothing
  std::optional<WaitFrom> wait;
  std::optional<bool> destination_fault;  // absent: as the class suggests
  config::Location where;
};

struct OutcomeContext {
  WallTime now;
  // Limit: how long a destination may ask us to wait. A day covers daily quotas; more is a mistake or an attack.
  Millis wait_max = std::chrono::hours(24);
};

// In order, the first that matches decides: a step's, its action's, its file's.
using OutcomeRules = std::vector<const OutcomeRule*>;

// `matched` receives the connector's rule that decided, nullptr for the built-in table.
Outcome classify(const OutcomeRules& rules, const Answer& answer, expression::Program& program,
                 const OutcomeContext& context, const OutcomeRule** matched = nullptr);
// By the built-in table alone.
Outcome classify(const http::ClientResponse& response, const OutcomeContext& context);

// A number in its unit (seconds also with a fraction, as Discord writes them), or a date, HTTP's or RFC 3339's;
// negative or past is 0; nullopt if neither.
std::optional<Millis> parse_wait(std::string_view text, WaitUnit unit, const OutcomeContext& context);

// A throttle without a readable time waits so long; and never less than the minimum: a Retry-After of 0 under a flood
// would spin, since a throttle charges no attempt.
inline constexpr Millis throttle_wait_default{30'000};
inline constexpr Millis throttle_wait_min{1'000};

}  // namespace chatrelay::destinations::connector
