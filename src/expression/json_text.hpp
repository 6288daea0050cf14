// JSON as text, as others expect it: compact, numbers in their shortest form. Boost.JSON 1.81 writes 1.5 as 1.5E0,
// which is JSON, but not what a form, a query or a person reading a mail should get.
#pragma once

#include <string>

#include <boost/json.hpp>

namespace chatrelay::expression {

void append_json(std::string& out, const boost::json::value& value);
std::string compact_json(const boost::json::value& value);

}  // namespace chatrelay::expression
