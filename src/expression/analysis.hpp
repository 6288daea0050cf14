// Analysis: what can be said of an expression without compiling it: that it uses nothing forbidden or undefined, and
// which top-level keys of its input it could read. The first costs microseconds where a compilation costs 33 ms; the
// second lets only what is read be converted for libjq, and costly keys be built only where they are used.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "expression/lexer.hpp"

namespace chatrelay::expression {

struct Analysis {
  std::vector<Token> tokens;
  std::vector<std::string> roots;  // top-level keys that it names, sorted
  bool whole = false;              // it could read any key: it uses `.` itself
  // What it reads of its input by plain paths, as .visitor.email. Not all of them: only where it is certain that the
  // path begins at the input, and not at something that the expression made.
  std::vector<std::vector<std::string>> paths;
  std::string warning;  // empty: none
};

// Errors: invalid, a message that goes after the expression's text.
Result<Analysis> analyse(std::string_view expression);

// The value of a string token. False if JSON does not know what is in it, so that only libjq could decide.
bool string_token_value(const Token& token, std::string& value);

}  // namespace chatrelay::expression
