// The tree of a native expression; private to native_parse.cpp and native_evaluate.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "expression/expression.hpp"

namespace chatrelay::expression {

enum class NativeKind {
  identity,
  tables,
  literal,
  index,    // a[b]; literal: b is a literal, the common case
  iterate,  // a[]
  pipe,
  comma,
  alternative,  // a // b
  logical_and,
  logical_or,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  add,          // a + b
  collect,      // [a]
  interpolate,  // "…\(a)…"; value: the texts before, between and behind, parts: the expressions
  condition,    // if a then b else c end
  call,         // a function; a is its argument if it has one
};

enum class NativeFunction {
  logical_not,
  empty,
  length,
  tostring,
  type,
  select,
  startswith,
  endswith,
  ascii_downcase,
  ascii_upcase
};

struct NativeNode {
  explicit NativeNode(NativeKind k) : kind(k) {}
  NativeKind kind;
  NativeFunction function = NativeFunction::empty;
  bool optional = false;  // index and iterate: `?`, no error but no result
  json::value value;      // literal
  std::unique_ptr<NativeNode> a, b, c;
  std::vector<std::unique_ptr<NativeNode>> parts;
};

}  // namespace chatrelay::expression
