#include "common/json_text.hpp"

#include <algorithm>

#include "common/digits.hpp"
#include "common/text.hpp"

namespace chatrelay::json_text {
namespace {

constexpr bool is_high_surrogate(int code) {
  return code >= 0xD800 && code <= 0xDBFF;
}
constexpr bool is_low_surrogate(int code) {
  return code >= 0xDC00 && code <= 0xDFFF;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// The low surrogate that an escape at `at` writes; -1 if none does.
int low_surrogate_escape(std::string_view text, std::size_t at) {
  if (text.substr(at, 2) != "\\u") return -1;
  const int code = hex4(text.substr(at + 2));
  return is_low_surrogate(code) ? code : -1;
}

// Reads the \uXXXX at `at` (its backslash) with its partner, and moves `at` behind them.
char32_t read_unicode_escape(std::string_view text, std::size_t& at) {
  const int code = hex4(text.substr(at + 2));
  at += 6;
  if (code < 0) return 0xFFFD;  // the grammar was checked by whoever calls
  if (is_high_surrogate(code)) {
    const int low = low_surrogate_escape(text, at);
    if (low < 0) return 0xFFFD;
    at += 6;
    return 0x10000 + (static_cast<char32_t>(code - 0xD800) << 10) + static_cast<char32_t>(low - 0xDC00);
  }
  if (is_low_surrogate(code)) return 0xFFFD;
  return static_cast<char32_t>(code);
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // " \ /
  }
}

}  // namespace

int hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  int code = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    code = code << 4 | digit;
  }
  return code;
}

std::string unescape(std::string_view inner) {
  std::string out;
  out.reserve(inner.size());
  for (std::size_t i = 0; i < inner.size();) {
    const std::size_t run = std::min(inner.find('\\', i), inner.size());
    out += inner.substr(i, run - i);
    i = run;
    if (i + 1 >= inner.size()) break;
    if (inner[i + 1] == 'u') {
      append_utf8(out, read_unicode_escape(inner, i));
    } else {
      out += simple_escape(inner[i + 1]);
      i += 2;
    }
  }
  return is_valid_utf8(out) ? out : repair_utf8(out);
}

std::string repair(std::string_view text) {
  std::string out = repair_utf8(text);
  // In well-formed JSON a backslash stands in strings only, so strings need not be told from the rest.
  for (std::size_t i = out.find('\\'); i < out.size(); i = out.find('\\', i)) {
    const int code = out.compare(i, 2, "\\u") == 0 ? hex4(std::string_view(out).substr(i + 2)) : -1;
    if (code < 0) {
      i += 2;
    } else if (is_high_surrogate(code) && low_surrogate_escape(out, i + 6) >= 0) {
      i += 12;
    } else {
      if (is_high_surrogate(code) || is_low_surrogate(code)) out.replace(i + 2, 4, "fffd");
      i += 6;
    }
  }
  return out;
}

}  // namespace chatrelay::json_text
