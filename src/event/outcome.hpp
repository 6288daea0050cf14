// Outcome: what came of an attempt. Not an error: a destination that says no has worked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.hpp"

namespace chatrelay {

enum class OutcomeClass {
  ok,
  duplicate,     // was applied before: also good
  retry,         // this attempt failed, a later one may succeed
  throttle,      // wait: no attempt is charged, the destination pauses
  refresh_auth,  // renew the token once, then try again
  ambiguous,     // may have been applied: the destination's `ambiguous` option decides
  reject,        // this event never: dead letter
  disable,       // the destination is broken for all: hold, tell the operator
  partial,       // some of a batch
};
std::string_view to_string(OutcomeClass c);
std::optional<OutcomeClass> outcome_class_from(std::string_view text);

struct Outcome {
  Outcome() {}
  Outcome(OutcomeClass c, std::string why) : klass(c), reason(std::move(why)) {}
  OutcomeClass klass = OutcomeClass::ok;
  std::string reason;              // for people: "HTTP 503", "550 5.1.1 no such user"; no secret, at most 500 bytes
  std::optional<Millis> wait;      // what the destination asked for (Retry-After), already relative
  int status = 0;                  // HTTP or SMTP code, 0 if none
  std::string response;            // what is kept of the answer. Limit: response kept (4 KiB), valid UTF-8
  bool quiet = false;              // a dead letter of it raises no event of our own: that would feed what it ends
  bool destination_fault = false;  // counts against the circuit: the fault is the destination's, not this event's
};

}  // namespace chatrelay
