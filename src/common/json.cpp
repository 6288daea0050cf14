#include "common/json.hpp"

#include <cmath>
#include <limits>

#include "common/digits.hpp"
#include "common/json_scan.hpp"
#include "common/json_text.hpp"

namespace chatrelay {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// 1e400 is a number in JSON, and Boost.JSON makes it an infinity that it writes as a word nobody can read again. It
// becomes the largest double, as in jq. Limit: recursion is as deep as json_depth_max.
void make_finite(json::value& value) {
  if (double* number = value.if_double()) {
    if (std::isinf(*number))
      *number = *number > 0 ? std::numeric_limits<double>::max() : std::numeric_limits<double>::lowest();
  } else if (json::array* array = value.if_array()) {
    for (json::value& element : *array) make_finite(element);
  } else if (json::object* object = value.if_object()) {
    for (auto& member : *object) make_finite(member.value());
  }
}

json::value parse_once(std::string_view text, boost::system::error_code& ec) {
  json::parse_options options;
  options.max_depth = json_depth_max;
  json::value value = json::parse(text, ec, json::storage_ptr(), options);
  if (!ec) make_finite(value);
  return value;
}

Error explain(std::string_view bytes, const boost::system::error_code& ec) {
  const JsonScanResult scan = scan_json(bytes, {}, {});
  if (!scan.well_formed) return invalid("not JSON: wrong at byte " + std::to_string(scan.error_offset));
  if (scan.depth > json_depth_max)
    return {ErrorKind::too_large, "JSON nested deeper than " + std::to_string(json_depth_max) + " levels"};
  return invalid("JSON cannot be decoded: " + ec.message());
}

std::string number_text(double d) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, d).ptr};
}

std::string_view view(const json::string& s) {
  return {s.data(), s.size()};
}

}  // namespace

Result<json::value> parse_json(std::string_view bytes) {
  const std::string_view text = bytes.starts_with(byte_order_mark) ? bytes.substr(byte_order_mark.size()) : bytes;
  boost::system::error_code ec;
  json::value value = parse_once(text, ec);
  if (!ec) return value;
  // Most webhooks need no repair, so it is tried only now.
  const std::string repaired = json_text::repair(text);
  if (repaired != text) {
    value = parse_once(repaired, ec);
    if (!ec) return value;  // else what is told is what no repair mends
  }
  return explain(bytes, ec);
}

const json::value* find(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

const json::value* find_path(const json::value& value, std::initializer_list<std::string_view> keys) {
  const json::value* at = &value;
  for (const std::string_view key : keys) {
    at = find(*at, key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::optional<std::string> string_at(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  if (at == nullptr) return std::nullopt;
  switch (at->kind()) {
    case json::kind::string:
      return std::string(view(at->get_string()));
    case json::kind::bool_:
      return at->get_bool() ? "true" : "false";
    case json::kind::int64:
      return std::to_string(at->get_int64());
    case json::kind::uint64:
      return std::to_string(at->get_uint64());
    case json::kind::double_:
      return number_text(at->get_double());
    default:
      return std::nullopt;
  }
}

std::optional<std::string> strict_string_at(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  if (at == nullptr || !at->is_string()) return std::nullopt;
  return std::string(view(at->get_string()));
}

std::optional<std::int64_t> int_at(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  if (at == nullptr) return std::nullopt;
  switch (at->kind()) {
    case json::kind::int64:
      return at->get_int64();
    case json::kind::string:
      return whole_number<std::int64_t>(view(at->get_string()));
    case json::kind::double_: {
      // 5.0 is an integer too, as long as a double holds it exactly (2^53).
      const double d = at->get_double();
      if (std::trunc(d) != d || std::abs(d) > 9007199254740992.0) return std::nullopt;
      return static_cast<std::int64_t>(d);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> number_at(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  if (at == nullptr) return std::nullopt;
  switch (at->kind()) {
    case json::kind::int64:
      return static_cast<double>(at->get_int64());
    case json::kind::uint64:
      return static_cast<double>(at->get_uint64());
    case json::kind::double_:
      return at->get_double();
    case json::kind::string: {
      const auto number = whole_number<double>(view(at->get_string()));
      return number && std::isfinite(*number) ? number : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<bool> bool_at(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  if (at == nullptr || !at->is_bool()) return std::nullopt;
  return at->get_bool();
}

std::optional<WallTime> time_at(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  if (at == nullptr || !at->is_string()) return std::nullopt;
  const auto time = parse_rfc3339(view(at->get_string()));
  if (time && to_ms(*time) == 0) return std::nullopt;
  return time;
}

json::value or_null(const std::optional<std::string>& text) {
  return text ? json::value(json::string(*text)) : json::value(nullptr);
}
json::value or_null(const std::optional<WallTime>& time) {
  return time ? json::value(json::string(format_rfc3339(*time))) : json::value(nullptr);
}
json::value or_null(const std::optional<bool>& flag) {
  return flag ? json::value(*flag) : json::value(nullptr);
}
json::value or_null(const std::optional<std::int64_t>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}
json::value or_null(const std::optional<double>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

}  // namespace chatrelay
