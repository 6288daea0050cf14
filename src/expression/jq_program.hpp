// JqProgram: the expressions that need libjq, compiled together.
//
// Measured with libjq 1.6: a compilation costs 33 ms whatever the size, since the builtins are bound anew. So there is
// one program for all: a balanced tree of `if`, whose leaves are the expressions, each a function of its own (a
// function's code is limited to 65,535 words, which a thousand expressions in one would exceed).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "expression/jv_convert.hpp"
#include "expression/watchdog.hpp"

namespace chatrelay::expression {

struct JqSource {
  Watchdog::Subject subject;
  std::vector<std::string> roots;  // the members of the input that it reads, unless `whole`
  bool whole = false;
};

// Thread: one.
class JqProgram {
 public:
  // nullptr if one does not compile; every culprit (Limit: ten) is a problem at its place.
  static std::unique_ptr<JqProgram> compile(std::vector<JqSource> sources, const json::object& tables,
                                            const Limits& limits, config::Problems& problems);
  ~JqProgram();
  Result<std::vector<json::value>> run(std::size_t index, const json::value& input, std::size_t results_wanted);

 private:
  struct Unit;
  class Compiler;
  JqProgram(std::vector<JqSource> sources, Limits limits);
  std::vector<JqSource> sources_;  // never changed: the watchdog reads it
  Limits limits_;
  std::vector<std::unique_ptr<Unit>> units_;
};

}  // namespace chatrelay::expression
