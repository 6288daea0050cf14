// Functions: what connectors need beside jq's own and jq cannot compute: md5, sha256, hmac_sha256($key), base64,
// uri_path, odata, html_of_text, uuid5($name). Pure. In jq they take a text, a number or a boolean; null gives null.
//
// libjq 1.6 takes no functions of others. But its `debug` hands a value to the program and its `input` fetches one, and
// no expression can call these two: so a definition in jq hands over name and arguments by the one and fetches the
// result by the other. FunctionCalls is the program's end of that.
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "expression/jv_convert.hpp"

namespace chatrelay::expression {

// Errors: invalid, what the text must be.
Result<std::string> call_function(std::string_view name, std::string_view text, std::string_view argument);

// The definitions, in jq; to be compiled before everything that hides `debug` and `input`.
std::string_view function_definitions();

// Thread: the jq_state's. Lifetime: outlives the state's last run.
class FunctionCalls {
 public:
  explicit FunctionCalls(jq_state* state);
  ~FunctionCalls();
  FunctionCalls(const FunctionCalls&) = delete;
  FunctionCalls& operator=(const FunctionCalls&) = delete;

 private:
  static void take(void* self, jv call);
  static jv give(jq_state* state, void* self);

  jv result_;
};

}  // namespace chatrelay::expression
