// Safe builtins: definitions in jq that take the place of those builtins of libjq 1.6 which end the process, or eat its
// memory where the watchdog cannot stop them, when a visitor's text or number is not what they expect. An event that
// does that is on disk already: it would do it again at every start.
#pragma once

#include <string_view>

namespace chatrelay::expression {

// To be compiled before the expressions. Helpers begin with two underscores: no expression can call them.
std::string_view safe_builtins();

}  // namespace chatrelay::expression
