// A delivery that no rule made: what an operator sends to try a destination. Checked as a rule's would be.
#pragma once

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "rules/catalog.hpp"
#include "rules/rules.hpp"

namespace chatrelay::rules {

// `action`: empty is the target's default. `with`: values as they are, no templates. Where the action takes a whole
// event and `with` is empty, an event of type "test" is sent. Errors: invalid, with each key that is unknown or
// missing.
Result<Planned> plan_by_hand(const Target& target, const std::string& action, json::object with, WallTime now);

}  // namespace chatrelay::rules
