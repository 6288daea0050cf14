#include "expression/functions.hpp"

#include <array>
#include <optional>
#include <utility>

#include "common/crypto.hpp"
#include "common/text.hpp"
#include "expression/escape.hpp"
#include "expression/hashes.hpp"

namespace chatrelay::expression {
namespace {

// A quote ends a text in OData; two of them are one.
std::string odata(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out;
}

std::string_view text_of(const jv& string) {
  return {jv_string_value(string), static_cast<std::size_t>(jv_string_length_bytes(jv_copy(string)))};
}

}  // namespace

Result<std::string> call_function(std::string_view name, std::string_view text, std::string_view argument) {
  if (name == "md5") return md5_hex(text);
  if (name == "sha256") return hex_encode(sha256(text));
  if (name == "hmac_sha256") return hex_encode(hmac_sha256(argument, text));
  if (name == "base64") return base64_encode(text);
  if (name == "uri_path") return percent_encode(text);
  if (name == "odata") return odata(text);
  if (name == "html_of_text") return escaped(text, Escape::matrix_html);
  if (name == "uuid5") {
    std::optional<std::string> uuid = uuid5(text, argument);
    if (!uuid) return invalid("uuid5 is applied to a UUID, such as .delivery.uuid");
    return std::move(*uuid);
  }
  return invalid("there is no function " + std::string(name));
}

std::string_view function_definitions() {
  return R"jq(
def __function($name; $argument):
  if . == null or $argument == null then null
  elif type == "object" or type == "array" then error($name + " takes a text, not an " + type)
  else [$name, tostring, ($argument | tostring)] | debug | input end;
def md5: __function("md5"; "");
def sha256: __function("sha256"; "");
def hmac_sha256($key): __function("hmac_sha256"; $key);
def base64: __function("base64"; "");
def uri_path: __function("uri_path"; "");
def odata: __function("odata"; "");
def html_of_text: __function("html_of_text"; "");
def uuid5($name): __function("uuid5"; $name);
)jq";
}

FunctionCalls::FunctionCalls(jq_state* state) : result_(jv_invalid()) {
  jq_set_debug_cb(state, &FunctionCalls::take, this);
  jq_set_input_cb(state, &FunctionCalls::give, this);
}

FunctionCalls::~FunctionCalls() {
  jv_free(result_);
}

// [name, text, argument]; nothing else can reach `debug`.
void FunctionCalls::take(void* self, jv call) {
  auto& calls = *static_cast<FunctionCalls*>(self);
  std::array<jv, 3> parts{};
  for (int i = 0; i < 3; ++i) parts[static_cast<std::size_t>(i)] = jv_array_get(jv_copy(call), i);
  const Result<std::string> result = call_function(text_of(parts[0]), text_of(parts[1]), text_of(parts[2]));
  jv_free(calls.result_);
  calls.result_ = result ? jv_string_sized(result->data(), static_cast<int>(result->size()))
                         : jv_invalid_with_msg(jv_string(result.error().message.c_str()));
  for (const jv& part : parts) jv_free(part);
  jv_free(call);
}

jv FunctionCalls::give(jq_state*, void* self) {
  return std::exchange(static_cast<FunctionCalls*>(self)->result_, jv_invalid());
}

}  // namespace chatrelay::expression
