// From an answer to an Outcome: a connector's own rules in order, the first that matches wins; then the built-in table.
// Pure. A status is never decided by parsing a success body: services answer "ok", "1" or nothing (contract §0.1).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/node.hpp"
#include "event/outcome.hpp"
#include "http/client.hpp"

namespace chatrelay::destinations::connector {

struct StatusRange {
  int first = 0;
  int last = 0;
};

// Where a service writes how long to wait, and in what.
struct WaitFrom {
  std::string header = "Retry-After";
  bool milliseconds = false;
};

struct OutcomeRule {
  std::vector<StatusRange> statuses;                         // empty: any
  std::vector<std::pair<std::string, std::string>> headers;  // all must hold; value "*": it is there at all
  OutcomeClass klass = OutcomeClass::ok;
  std::string reason;  // added to "HTTP 410": what an operator should know or do
  std::optional<WaitFrom> wait;
  std::optional<bool> destination_fault;  // absent: as the class suggests
  config::Location where;
};

struct OutcomeContext {
  WallTime now;
  // Limit: how long a destination may ask us to wait. A day covers daily quotas; more is a mistake or an attack.
  Millis wait_max = std::chrono::hours(24);
};

// `matched` receives the index of the connector's rule that decided, or stays empty for the built-in table.
Outcome classify(std::span<const OutcomeRule> rules, const http::ClientResponse& response,
                 const OutcomeContext& context, std::optional<std::size_t>* matched = nullptr);

// Seconds (also with a fraction, as Discord writes them) or an HTTP-date; negative or past is 0; nullopt if neither.
std::optional<Millis> parse_wait(std::string_view text, bool milliseconds, const OutcomeContext& context);

// A throttle without a readable time waits so long; and never less than the minimum: a Retry-After of 0 under a flood
// would spin, since a throttle charges no attempt.
inline constexpr Millis throttle_wait_default{30'000};
inline constexpr Millis throttle_wait_min{1'000};

}  // namespace chatrelay::destinations::connector
