// JSON as webhooks really send it.
//
// Boost.JSON 1.81 and libjq refuse lone surrogates, invalid UTF-8 and deep nesting, but an authentic webhook is kept
// whatever it holds. So bytes are repaired first: what is not text becomes U+FFFD. The stored bytes keep the original.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay {

namespace json = boost::json;

inline constexpr std::size_t json_depth_max = 128;  // Limit: nesting that is decoded; deeper is kept, not decoded

// Repairs (invalid UTF-8, lone surrogate escapes, a leading byte order mark) and parses. Duplicate keys: the last one
// holds. Errors: invalid with the byte offset; too_large when nested deeper than json_depth_max.
Result<json::value> parse_json(std::string_view bytes);

// Helpers for reading what others wrote: a member that is missing or of another type is simply not there.
const json::value* find(const json::value& value, std::string_view key);  // nullptr if not an object or absent
const json::value* find_path(const json::value& value, std::initializer_list<std::string_view> keys);
std::optional<std::string> string_at(const json::value& value,
                                     std::string_view key);  // strings, and numbers/bools as written
std::optional<std::string> strict_string_at(const json::value& value, std::string_view key);  // strings only
std::optional<std::int64_t> int_at(const json::value& value,
                                   std::string_view key);  // integers (5.0 is one), and strings of digits
std::optional<double> number_at(const json::value& value, std::string_view key);  // numbers, and strings that are one
std::optional<bool> bool_at(const json::value& value, std::string_view key);
std::optional<WallTime> time_at(const json::value& value,
                                std::string_view key);  // RFC 3339; the epoch itself means never: nullopt
json::value or_null(const std::optional<std::string>& text);
json::value or_null(const std::optional<WallTime>& time);
json::value or_null(const std::optional<bool>& flag);
json::value or_null(const std::optional<std::int64_t>& number);
json::value or_null(const std::optional<double>& number);

}  // namespace chatrelay
