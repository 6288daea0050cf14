#include "expression/compare.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace chatrelay::expression {
namespace {

namespace json = boost::json;

int rank(const json::value& v) {
  switch (v.kind()) {
    case json::kind::null:
      return 0;
    case json::kind::bool_:
      return v.get_bool() ? 2 : 1;
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return 3;
    case json::kind::string:
      return 4;
    case json::kind::array:
      return 5;
    case json::kind::object:
      return 6;
  }
  return 0;
}

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int compare_numbers(const json::value& a, const json::value& b) {
  if (a.is_double() || b.is_double()) {
    const double x = a.to_number<double>(), y = b.to_number<double>();
    return x < y ? -1 : (x == y ? 0 : 1);  // as jv_cmp: nan is above all
  }
  // A uint64 in a parsed value is beyond every int64.
  if (a.is_uint64() && b.is_uint64()) return order(a.get_uint64(), b.get_uint64());
  if (a.is_uint64()) return b.get_int64() < 0 ? 1 : order(a.get_uint64(), static_cast<std::uint64_t>(b.get_int64()));
  if (b.is_uint64()) return -compare_numbers(b, a);
  return order(a.get_int64(), b.get_int64());
}

std::vector<std::string_view> sorted_keys(const json::object& object) {
  std::vector<std::string_view> keys;
  keys.reserve(object.size());
  for (const auto& member : object) keys.push_back(member.key());
  std::sort(keys.begin(), keys.end());
  return keys;
}

int compare_objects(const json::object& a, const json::object& b) {
  const auto keys_a = sorted_keys(a), keys_b = sorted_keys(b);
  if (keys_a < keys_b) return -1;
  if (keys_b < keys_a) return 1;
  for (const std::string_view key : keys_a)
    if (const int c = compare(a.at(key), b.at(key)); c != 0) return c;
  return 0;
}

}  // namespace

int compare(const json::value& a, const json::value& b) {
  const int ra = rank(a), rb = rank(b);
  if (ra != rb) return order(ra, rb);
  if (ra == 3) return compare_numbers(a, b);
  if (ra == 4) return std::string_view(a.get_string()).compare(std::string_view(b.get_string()));
  if (ra == 5) {
    const json::array &x = a.get_array(), &y = b.get_array();
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (const int c = compare(x[i], y[i]); c != 0) return c;
    return order(x.size(), y.size());
  }
  if (ra == 6) return compare_objects(a.get_object(), b.get_object());
  return 0;
}

}  // namespace chatrelay::expression
