// Native: the simple forms of jq, evaluated on the JSON value itself: plain paths, comparisons, `//`, and/or, `+`,
// `if`, lists, strings with \( ), select and a few functions. Most rules need no more, so most rule sets never start
// libjq, and whole numbers beyond 2^53 stay exact.
//
// Invariant: what this evaluates has libjq 1.6's results, in its order; a unit test compares the two on many values.
// What it does not know it does not parse, and libjq gets it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "expression/expression.hpp"
#include "expression/lexer.hpp"

namespace chatrelay::expression {

struct NativeNode;

class Native {
 public:
  // nullptr: libjq is needed.
  static std::shared_ptr<const Native> parse(const std::vector<Token>& tokens, std::string_view text);
  explicit Native(std::unique_ptr<const NativeNode> root);
  ~Native();

  // At most `results_wanted` results (0: all).
  Result<std::vector<json::value>> evaluate(const json::value& input, const json::value& tables, const Limits& limits,
                                            std::size_t results_wanted) const;

 private:
  std::unique_ptr<const NativeNode> root_;
};

}  // namespace chatrelay::expression
