// jq's order of values: null < false < true < numbers < strings < arrays < objects. Unlike libjq, whole numbers beyond
// 2^53 are compared exactly.
#pragma once

#include <boost/json.hpp>

namespace chatrelay::expression {

int compare(const boost::json::value& a, const boost::json::value& b);  // < 0, 0, > 0
inline bool equal(const boost::json::value& a, const boost::json::value& b) {
  return compare(a, b) == 0;
}
inline bool truthy(const boost::json::value& v) {
  return !v.is_null() && !(v.is_bool() && !v.get_bool());
}

}  // namespace chatrelay::expression
