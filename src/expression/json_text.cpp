#include "expression/json_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace chatrelay::expression {

namespace json = boost::json;

namespace {

bool has_double(const json::value& value) {
  if (const json::array* array = value.if_array()) return std::ranges::any_of(*array, has_double);
  if (const json::object* object = value.if_object())
    return std::ranges::any_of(*object, [](const auto& member) { return has_double(member.value()); });
  return value.is_double();
}

}  // namespace

// Boost.JSON's own writer is faster and right for everything but doubles, which are rare.
std::string compact_json(const json::value& value) {
  if (!has_double(value)) return json::serialize(value);
  std::string out;
  append_json(out, value);
  return out;
}

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
