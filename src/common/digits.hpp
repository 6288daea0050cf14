// Digits: numbers in text, read whole or not at all.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace chatrelay {

// The whole of `text` as a number of type T, without white space or a sign of plus. `format`: the base of integers, the
// std::chars_format of others; 10 and general if not given.
template <class T, class... Format>
std::optional<T> whole_number(std::string_view text, Format... format) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format...);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// 0 to 15, of either case; -1 if it is none.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace chatrelay
