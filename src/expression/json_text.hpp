// JSON as text for people's eyes: compact, numbers in their shortest form (Boost.JSON 1.81 writes 1.5 as 1.5E0).
#pragma once

#include <string>

#include <boost/json.hpp>

namespace chatrelay::expression {

void append_json(std::string& out, const boost::json::value& value);
inline std::string compact_json(const boost::json::value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace chatrelay::expression
