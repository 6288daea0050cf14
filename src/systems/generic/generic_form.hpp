// Bodies of HTML forms (application/x-www-form-urlencoded) as the JSON that expressions read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/json.hpp"

namespace chatrelay::systems::generic {

// By its content type, unless the body is a JSON object: `curl -d` and many a script send one under the type of a form.
bool is_form(std::string_view content_type, std::string_view body);
// {"name": "value"}; a name that comes several times has an array. Limit: 1000 fields. Bytes that are not UTF-8 are
// repaired.
json::object parse_form(std::string_view body);
// Every value of one field, decoded.
std::vector<std::string> form_values(std::string_view body, std::string_view name);
// The body without that field.
std::string without_field(std::string_view body, std::string_view name);

}  // namespace chatrelay::systems::generic
