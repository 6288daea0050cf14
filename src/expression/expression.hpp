// Expressions: jq, compiled once for a whole rule set. libjq lives only behind this file and template.hpp.
//
// Measured traps (ARCHITECTURE.md, "libjq"): compiling one program costs 13–35 ms, so all expressions of a set share
// one; plain paths (.visitor.email, .chat.tags[0]) are walked on the JSON value itself, also because libjq rounds
// integers beyond 2^53; libjq 1.6 aborts the process on import/include outside parentheses. An expression that runs too
// long is stopped by a watchdog through jq_halt, which libjq looks at before each instruction. Limit: memory. libjq 1.6
// ends the process when there is none. What an event alone could do is bounded (lists and maps given to libjq, the
// index of an assignment: see jv_convert.hpp, safe_builtins.cpp); beyond that an expression is its author's
// responsibility.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "config/node.hpp"

namespace chatrelay::expression {

namespace json = boost::json;

using ExpressionId = std::size_t;

struct Limits {
  Millis time{1'000};  // for one evaluation
  std::size_t results_max = 10'000;
  std::size_t bytes_max = 8 << 20;  // of all results of one evaluation
};

// An evaluation that is under way in libjq.
struct Running {
  std::string expression;
  config::Location where;
  Millis since{0};  // how long by now
};
// All that run just now, in any thread. A call stuck inside one C function of libjq ("x" * 1e8) cannot be stopped: a
// watchdog of the process can at least name it. Thread: any.
std::vector<Running> running_now();

// Thread: one. Make a Program for each thread that evaluates (planner, ingest, command line).
class Program {
 public:
  virtual ~Program() = default;
  // All results, in order. Errors: invalid with jq's message ("Cannot index string with …"), the limit that was hit, or
  // the time it ran. The value is not changed.
  virtual Result<std::vector<json::value>> evaluate(ExpressionId id, const json::value& input) = 0;
  // `when`: the first result is neither false nor null.
  Result<bool> holds(ExpressionId id, const json::value& input);
  // The first result alone; nullopt if there is none. What fails after it is not looked at.
  virtual Result<std::optional<json::value>> first(ExpressionId id, const json::value& input) = 0;
  virtual const std::string& text(ExpressionId id) const = 0;
};

// Collects the expressions of a rule set (or of a source's map), then compiles them together.
class Builder {
 public:
  explicit Builder(json::object tables = {}, Limits limits = {});
  ~Builder();
  Builder(Builder&&) noexcept;
  Builder& operator=(Builder&&) noexcept;

  // Refuses at once, as a problem at `where`: what is not jq, and now, env, $ENV, input, inputs, debug, stderr, halt,
  // halt_error, import, include, input_filename, input_line_number, $__loc__, getpath/limit are fine; undefined
  // functions and variables other than $tables. Warns where an integer beyond 2^53 could be rounded. The id is valid
  // even then, so that loading goes on.
  ExpressionId add(std::string_view expression, const config::Location& where, config::Problems& problems);
  std::size_t size() const;
  // True if the expression could read that top-level key of its input: "transcript", "links". Used to build things only
  // where used. An expression that uses `.` itself could read everything.
  bool mentions(ExpressionId id, std::string_view key) const;
  // True if it names that top-level key: what a rule may be refused for.
  bool names(ExpressionId id, std::string_view key) const;
  // The plain paths by which it reads its input, as far as they are certain: {"visitor", "email"}. For warnings.
  const std::vector<std::vector<std::string>>& paths(ExpressionId id) const;
  const config::Location& where(ExpressionId id) const;
  const std::string& text(ExpressionId id) const;
  // Compiles everything. May be called several times: each Program is for one thread. nullptr if an expression was
  // refused.
  std::unique_ptr<Program> build(config::Problems& problems) const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace chatrelay::expression
