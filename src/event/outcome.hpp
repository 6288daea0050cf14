// Outcome: what came of an attempt. Not an error: a destination that says no has worked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

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

// Something that a destination's answer named and that later deliveries need: it becomes a link.
struct Saved {
  std::string scope;  // "visitor", "chat" or "thread": of the attempt's event
  std::string key;
  std::string value;  // Limit: 1 KiB, valid UTF-8
};

struct Outcome {
  Outcome() {}
  Outcome(OutcomeClass c, std::string why) : klass(c), reason(std::move(why)) {}
  OutcomeClass klass = OutcomeClass::ok;
  std::string reason;          // for people: "HTTP 503", "550 5.1.1 no such user"; no secret, at most 500 bytes
  std::optional<Millis> wait;  // what the destination asked for (Retry-After), already relative
  int status = 0;              // HTTP or SMTP code, 0 if none
  std::string response;        // what is kept of the answer. Limit: response kept (4 KiB), valid UTF-8
  bool quiet = false;          // a dead letter of it raises no event of our own: that would feed what it ends
  bool unasked = false;        // nothing was sent: it says nothing of the destination
  bool goes_on = false;        // with `ok`: a part is done, and is to be committed before the rest, which is due now
  bool destination_fault = false;  // counts against the circuit: the fault is the destination's, not this event's
  // What this attempt's steps saved, in order, also where a later step of it failed: it happened, so it is remembered
  // whatever the class says. A later entry of the same scope and key replaces an earlier one.
  std::vector<Saved> saved;
  // How far the steps of the delivery came, the earlier attempts' included. Opaque: kept until the delivery is taken or
  // cancelled, so also with a dead letter, and given back as Attempt::progress. Empty: nothing to remember.
  boost::json::object progress;
};

}  // namespace chatrelay
