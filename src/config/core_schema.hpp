// YAML 1.2's core schema: what a plain scalar means. yes, no, on and off are strings; so are .inf and .nan, which JSON
// lacks.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json.hpp>

namespace chatrelay::config {

boost::json::value core_value(std::string_view plain);
std::optional<bool> core_bool(std::string_view plain);
std::optional<std::int64_t> core_integer(std::string_view plain);  // decimal, 0o17, 0x1F

}  // namespace chatrelay::config
