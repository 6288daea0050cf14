#include "expression/json_text.hpp"

#include <charconv>
#include <cmath>

namespace chatrelay::expression {

namespace json = boost::json;

void append_json(std::string& out, const json::value& value) {
  if (const json::array* array = value.if_array()) {
    out += '[';
    for (const json::value& element : *array) {
      if (&element != array->data()) out += ',';
      append_json(out, element);
    }
    out += ']';
  } else if (const json::object* object = value.if_object()) {
    out += '{';
    bool first = true;
    for (const auto& member : *object) {
      if (!first) out += ',';
      first = false;
      out += json::serialize(member.key());
      out += ':';
      append_json(out, member.value());
    }
    out += '}';
  } else if (value.is_double() && std::isfinite(value.get_double())) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value.get_double()).ptr;
    out.append(text, end);
  } else if (value.is_double()) {
    out += "null";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace chatrelay::expression
