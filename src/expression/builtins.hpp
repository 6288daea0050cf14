// Builtins: what libjq 1.6 defines, and what of it an expression must not use: whatever reads a clock, the environment,
// the machine's time zone or other input, writes somewhere, or ends the program. Rules must give the same result in a
// replay.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chatrelay::expression {

bool is_builtin(std::string_view name, std::size_t arity);
const std::vector<std::string_view>& builtin_names();  // without arity, sorted
// Why a name is refused; empty if it is not.
std::string_view why_forbidden(std::string_view name);
// Definitions that hide the forbidden builtins from everything that is compiled after them.
const std::string& forbidden_shadows();

}  // namespace chatrelay::expression
