#include "common/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace chatrelay {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// The length of the run of ASCII at `from`, eight bytes a step.
std::size_t ascii_run(std::string_view text, std::size_t from) {
  std::size_t i = from;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080ull) != 0) break;
  }
  while (i < text.size() && byte_at(text, i) < 0x80) ++i;
  return i - from;
}

struct Sequence {
  std::size_t length;  // of the well-formed sequence, or of the maximal ill-formed one
  bool valid;
};

// A sequence that starts with a byte of 0x80 or more. After Table 3-7 of Unicode 15: which second bytes are allowed
// depends on the first, every further one is 80..BF.
Sequence sequence_at(std::string_view text, std::size_t at) {
  const unsigned char first = byte_at(text, at);
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= text.size() || byte_at(text, at + i) < low || byte_at(text, at + i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

char32_t decode(std::string_view sequence) {
  const unsigned char first = byte_at(sequence, 0);
  char32_t code = sequence.size() == 2 ? first & 0x1Fu : sequence.size() == 3 ? first & 0x0Fu : first & 0x07u;
  for (std::size_t i = 1; i < sequence.size(); ++i) code = code << 6 | (byte_at(sequence, i) & 0x3Fu);
  return code;
}

void append_hex(std::string& out, std::string_view prefix, unsigned value, int digits) {
  out += prefix;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

// Line separators and what turns the reading direction: a terminal shows another line than the one that was written.
bool misleads_reader(char32_t code) {
  return code == 0x2028 || code == 0x2029 || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

// Optimal string alignment: insert, delete, change, or swap two neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before.swap(previous);
    previous.swap(current);
  }
  return previous[b.size()];
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0;;) {
    i += ascii_run(text, i);
    if (i >= text.size()) return true;
    const Sequence s = sequence_at(text, i);
    if (!s.valid) return false;
    i += s.length;
  }
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t run = ascii_run(text, i);
    out += text.substr(i, run);
    i += run;
    if (i >= text.size()) break;
    const Sequence s = sequence_at(text, i);
    out += s.valid ? text.substr(i, s.length) : replacement;
    i += s.length;
  }
  return out;
}

std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  // At most three continuation bytes belong to one sequence; more are not text, and may be cut anywhere.
  while (end > 0 && max_bytes - end < 4 && (byte_at(text, end) & 0xC0) == 0x80) --end;
  if ((byte_at(text, end) & 0xC0) == 0x80) end = max_bytes;
  return text.substr(0, end);
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  out.reserve(std::min(text.size(), max_bytes) + 8);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t before = out.size();
    const unsigned char c = byte_at(text, i);
    if (c < 0x80) {
      if (c < 0x20 || c == 0x7F)
        append_hex(out, "\\x", c, 2);
      else
        out += static_cast<char>(c);
      ++i;
    } else {
      const Sequence s = sequence_at(text, i);
      const std::string_view sequence = text.substr(i, s.length);
      const char32_t code = s.valid ? decode(sequence) : 0xFFFD;
      if (code < 0xA0)
        append_hex(out, "\\x", static_cast<unsigned>(code), 2);
      else if (misleads_reader(code))
        append_hex(out, "\\u", static_cast<unsigned>(code), 4);
      else
        out += s.valid ? sequence : replacement;
      i += s.length;
    }
    if (out.size() > max_bytes) {
      out.resize(before);
      out += "…";
      break;
    }
  }
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789ABCDEF"[byte >> 4];
    out += "0123456789ABCDEF"[byte & 15];
  }
  return out;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view white = " \t\r\n\f\v";
  const std::size_t begin = text.find_first_not_of(white);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

bool iequals_ascii(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view nearest(std::string_view word, const std::string_view* candidates, std::size_t count) {
  constexpr std::size_t word_bytes_max = 64;  // Limit: longer words are not compared, the distance costs their product
  if (word.empty() || word.size() > word_bytes_max) return {};
  // One error in three characters, at least one, is still a typing error.
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  const std::string lower = to_lower_ascii(word);
  std::string_view best;
  std::size_t best_distance = allowed + 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (candidates[i].size() > word_bytes_max) continue;
    const std::size_t distance = edit_distance(lower, to_lower_ascii(candidates[i]));
    if (distance < best_distance && distance < std::max(word.size(), candidates[i].size())) {
      best = candidates[i];
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace chatrelay
