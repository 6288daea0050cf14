// Output: a Reply as the client wants it: JSON, JSONP (?callback=) or XML (?format=xml, which wins, as in Live Helper
// Chat). Pure.
//
// JSON is ASCII, with \/ and \uXXXX, byte for byte as PHP writes it: no charset is named in application/json, and
// clients exist that read it as Latin-1 then. XML keeps booleans and nulls, which Live Helper Chat loses.
#pragma once

#include <string>
#include <string_view>

#include "http/server.hpp"
#include "systems/livehelperchat/endpoints/answers.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

struct Format {
  Format() {}
  enum class Kind { json, jsonp, xml } kind = Kind::json;
  std::string callback;     // of jsonp
  bool is_refused = false;  // a callback that is no name: the failure is told as JSON
};

// Of letters, digits, _ $ . [ ]; one of them at least. Limit: 128 bytes.
bool is_callback_name(std::string_view name);

// Of a query string, not decoded. What cannot be decoded has no format.
Format read_format(std::string_view query);

std::string to_php_json(const json::value& value);
// A member becomes an element, a list repeats its element; what no XML name may hold becomes '_', and characters that
// XML 1.0 cannot carry are left out. <root/> is the whole. Limit: a depth of 32; deeper is left out.
std::string to_xml(const json::value& value);

http::Response render(const Reply& reply, const Format& format);

}  // namespace chatrelay::systems::livehelperchat::endpoints
