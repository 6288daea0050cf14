// What the tests of this room share: one expression, evaluated.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/node.hpp"
#include "expression/expression.hpp"
#include "expression/template.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace chatrelay::expression {

// libjq 1.6 itself leaks a few values in some of its builtins (errors raised within them, index of the empty text);
// that is not what is tested where one of these stands. Only what is allocated while it lives is left out.
struct LeaksOfLibjq {
#if defined(__SANITIZE_ADDRESS__)
  __lsan::ScopedDisabler disabler;
#endif
  LeaksOfLibjq() {}
};

inline const config::Location here{"rules.yaml", 7};

inline json::object tables() {
  return json::parse(R"({"mailboxes": {"2": "sales@example.com", "x": [1, 2]}, "n": 3})").as_object();
}

inline config::Environment no_environment() {
  return {[](const std::string&) { return std::optional<std::string>(); },
          [](const std::string& path) -> Result<std::string> { return not_found(path); }};
}

// The results as a JSON array, "ERROR: …", or "REFUSED: …".
inline std::string eval(std::string_view expression, const json::value& input, Limits limits = {}) {
  config::Problems problems;
  Builder builder(tables(), limits);
  const ExpressionId id = builder.add(expression, here, problems);
  const auto program = builder.build(problems);
  if (program == nullptr)
    return "REFUSED: " + (problems.list().empty() ? std::string() : problems.list().front().message);
  const auto results = program->evaluate(id, input);
  if (!results) return "ERROR: " + results.error().message;
  return json::serialize(json::array(results->begin(), results->end()));
}

inline std::string eval(std::string_view expression, const char* input = "null") {
  return eval(expression, json::parse(input));
}

}  // namespace chatrelay::expression
