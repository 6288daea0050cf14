#include "config/core_schema.hpp"

#include <cmath>

#include "common/digits.hpp"

namespace chatrelay::config {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_float(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != text.npos) {
    std::string_view digits = text.substr(exponent + 1);
    if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.remove_prefix(1);
    if (!all_digits(digits)) return false;
    text = text.substr(0, exponent);
  }
  const std::size_t point = text.find('.');
  const std::string_view before = text.substr(0, point);
  const std::string_view after = point == text.npos ? std::string_view() : text.substr(point + 1);
  if (before.empty()) return all_digits(after);
  return all_digits(before) && (after.empty() || all_digits(after));
}

std::optional<double> as_double(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto value = whole_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

}  // namespace

std::optional<bool> core_bool(std::string_view plain) {
  if (plain == "true" || plain == "True" || plain == "TRUE") return true;
  if (plain == "false" || plain == "False" || plain == "FALSE") return false;
  return std::nullopt;
}

std::optional<std::int64_t> core_integer(std::string_view plain) {
  if (plain.starts_with("0o"))
    return plain.substr(2).starts_with('-') ? std::nullopt : whole_number<std::int64_t>(plain.substr(2), 8);
  if (plain.starts_with("0x"))
    return plain.substr(2).starts_with('-') ? std::nullopt : whole_number<std::int64_t>(plain.substr(2), 16);
  if (plain.starts_with('+')) {
    plain.remove_prefix(1);
    if (plain.starts_with('-')) return std::nullopt;
  }
  return whole_number<std::int64_t>(plain);
}

boost::json::value core_value(std::string_view plain) {
  if (plain.empty() || plain == "~" || plain == "null" || plain == "Null" || plain == "NULL") return nullptr;
  if (const auto flag = core_bool(plain)) return *flag;
  if (const auto integer = core_integer(plain)) return *integer;
  if (all_digits(plain))
    if (const auto large = whole_number<std::uint64_t>(plain)) return *large;
  if (is_float(plain))
    if (const auto number = as_double(plain)) return *number;
  return boost::json::string(plain);
}

}  // namespace chatrelay::config
