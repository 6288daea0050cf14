#include "systems/rocketchat/endpoints/schema.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include "common/digits.hpp"
#include "common/text.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

using Kind = Property::Kind;
using Fault = std::optional<std::string>;

// As JavaScript writes a number into a string: decimal from 1e-6 to 1e21, the shortest that reads back the same.
std::string number_text(const json::value& number) {
  if (!number.is_double()) return json::serialize(number);
  const double value = number.get_double();
  if (value == 0) return "0";
  const double size = std::fabs(value);
  const auto format = size >= 1e-6 && size < 1e21 ? std::chars_format::fixed : std::chars_format::scientific;
  char text[64];
  const auto written = std::to_chars(text, text + sizeof text, value, format);
  std::string out(text, written.ptr);
  // "1.5e-07" is "1.5e-7" there.
  const auto exponent = out.find('e');
  if (exponent != out.npos && out[exponent + 2] == '0') out.erase(exponent + 2, 1);
  return out;
}

// As JavaScript's Number(): nullopt for NaN and the infinite.
std::optional<double> number_of(std::string_view text) {
  text = trim(text);
  if (text.empty()) return 0.0;
  const auto whole = [](std::string_view digits, auto... format) -> std::optional<double> {
    const auto value = whole_number<double>(digits, format...);
    return value && std::isfinite(*value) ? value : std::nullopt;
  };
  if (text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
    const std::string_view digits = text.substr(2);
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos) return std::nullopt;
    return whole(digits, std::chars_format::hex);
  }
  const bool plus = text[0] == '+';
  if (plus) text.remove_prefix(1);
  if (text.empty() || (plus && text[0] == '-')) return std::nullopt;
  if (text.find_first_not_of("0123456789.eE+-") != text.npos) return std::nullopt;  // "inf", "nan"
  return whole(text);
}

std::size_t code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

bool is_kind(const Property& property, const json::value& value) {
  if (value.is_null() && property.nullable) return true;
  switch (property.kind) {
    case Kind::string:
      return value.is_string();
    case Kind::number:
      return value.is_number();
    case Kind::boolean:
      return value.is_bool();
    case Kind::object:
      return value.is_object();
    case Kind::array:
      return value.is_array();
    case Kind::any:
      return true;
  }
  return false;
}

bool make_string(json::value& value) {
  if (value.is_number()) {
    value = number_text(value);
  } else if (value.is_bool()) {
    value = value.get_bool() ? "true" : "false";
  } else if (value.is_null()) {
    value = "";
  } else {
    return false;
  }
  return true;
}

bool make_number(json::value& value, bool nullable) {
  if (value.is_bool()) {
    value = value.get_bool() ? 1 : 0;
  } else if (value.is_null()) {
    value = 0;
  } else if (value.is_string() && value.get_string().empty() && nullable) {
    value = nullptr;
  } else if (value.is_string() && !value.get_string().empty()) {
    const auto number = number_of(value.get_string());
    if (!number) return false;
    value = *number;
  } else {
    return false;
  }
  return true;
}

bool make_boolean(json::value& value) {
  const bool zero = value.is_number() && value.to_number<double>() == 0;
  const bool one = value.is_number() && value.to_number<double>() == 1;
  if (zero || value.is_null() || value == json::value("false")) {
    value = false;
  } else if (one || value == json::value("true")) {
    value = true;
  } else {
    return false;
  }
  return true;
}

// What Ajv calls coercion.
bool coerce(const Property& property, bool wraps_arrays, json::value& value) {
  if (wraps_arrays && value.is_array() && value.get_array().size() == 1) {
    json::value only = std::move(value.get_array().front());
    value = std::move(only);
    if (is_kind(property, value)) return true;
  }
  switch (property.kind) {
    case Kind::string:
      return make_string(value);
    case Kind::number:
      return make_number(value, property.nullable);
    case Kind::boolean:
      return make_boolean(value);
    case Kind::array: {
      if (!wraps_arrays || value.is_object() || value.is_array()) return false;
      json::array wrapped;
      wrapped.push_back(std::move(value));
      value = std::move(wrapped);
      return true;
    }
    case Kind::object:
    case Kind::any:
      return false;
  }
  return false;
}

std::string kind_name(Kind kind) {
  switch (kind) {
    case Kind::string:
      return "string";
    case Kind::number:
      return "number";
    case Kind::boolean:
      return "boolean";
    case Kind::object:
      return "object";
    case Kind::array:
      return "array";
    case Kind::any:
      break;
  }
  return "any";
}

Fault check_members(const Schema& schema, json::object& object);

Fault check_value(const Property& property, bool wraps_arrays, json::value& value) {
  if (!is_kind(property, value) && !coerce(property, wraps_arrays, value)) return "must be " + kind_name(property.kind);
  if (value.is_string() && property.size_max != 0 && code_points(value.get_string()) > property.size_max)
    return "must NOT have more than " + std::to_string(property.size_max) + " characters";
  if (value.is_object() && property.inner) return check_members(*property.inner, value.get_object());
  if (!value.is_array() || property.kind != Kind::array) return std::nullopt;
  json::array& elements = value.get_array();
  if (property.size_max != 0 && elements.size() > property.size_max)
    return "must NOT have more than " + std::to_string(property.size_max) + " items";
  if (elements.size() < property.size_min)
    return "must NOT have fewer than " + std::to_string(property.size_min) + " items";
  if (!property.inner) return std::nullopt;
  Property element;
  element.kind = Kind::object;
  element.inner = property.inner;
  for (json::value& each : elements)
    if (Fault fault = check_value(element, wraps_arrays, each)) return fault;
  return std::nullopt;
}

bool knows(const Schema& schema, std::string_view name) {
  for (const Property& property : schema.properties)
    if (property.name == name) return true;
  return false;
}

Fault check_members(const Schema& schema, json::object& object) {
  for (const Property& property : schema.properties)
    if (property.required && !object.contains(property.name))
      return "must have required property '" + std::string(property.name) + "'";
  if (!schema.additional)
    for (const auto& member : object)
      if (!knows(schema, member.key())) return "must NOT have additional properties";
  for (const Property& property : schema.properties) {
    json::value* value = object.if_contains(property.name);
    if (!value) continue;
    if (Fault fault = check_value(property, schema.wraps_arrays, *value)) return fault;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> check(const Schema& schema, json::value& value) {
  if (!value.is_object()) return "must be object";
  return check_members(schema, value.get_object());
}

}  // namespace chatrelay::systems::rocketchat::endpoints
