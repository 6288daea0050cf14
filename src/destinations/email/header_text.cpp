#include "destinations/email/header_text.hpp"

#include <algorithm>

#include "common/crypto.hpp"
#include "common/text.hpp"

namespace chatrelay::destinations::email {

namespace {

constexpr std::size_t line_max = 76;  // RFC 2047 §2: a line with an encoded-word
constexpr std::string_view word_begin = "=?UTF-8?B?";
constexpr std::string_view word_end = "?=";

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

// "=?" in plain text would be read as an encoded-word: then everything is encoded.
bool is_plain(std::string_view text) {
  return is_printable_ascii(text) && text.find("=?") == std::string_view::npos;
}

// Encoded-words, broken between code points, so that each can be decoded alone.
std::string encoded_words(std::string_view text, std::size_t column) {
  std::string out;
  while (!text.empty()) {
    const std::size_t used = column + word_begin.size() + word_end.size();
    const std::size_t room = used < line_max ? (line_max - used) / 4 * 3 : 0;
    std::string_view chunk = truncate_utf8(text, room);
    if (chunk.empty()) {  // no place for one character on this line
      out += "\r\n ";
      column = 1;
      continue;
    }
    out.append(word_begin).append(base64_encode(chunk)).append(word_end);
    text.remove_prefix(chunk.size());
    if (!text.empty()) out += "\r\n ";
    column = 1;
  }
  return out;
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string one_line(std::string_view text, std::size_t max_bytes) {
  std::string out;
  const std::string repaired = repair_utf8(text.substr(0, 4 * max_bytes));
  for (std::size_t i = 0; i < repaired.size(); ++i) {
    const auto c = static_cast<unsigned char>(repaired[i]);
    // C1 controls (U+0080–U+009F) and the line separators U+2028/2029 break lines in some clients.
    const auto next = i + 1 < repaired.size() ? static_cast<unsigned char>(repaired[i + 1]) : 0;
    const auto after = i + 2 < repaired.size() ? static_cast<unsigned char>(repaired[i + 2]) : 0;
    bool space = c <= 0x20 || c == 0x7f;
    if (c == 0xc2 && next >= 0x80 && next <= 0x9f) space = true, i += 1;
    if (c == 0xe2 && next == 0x80 && (after == 0xa8 || after == 0xa9)) space = true, i += 2;
    if (!space) {
      out += static_cast<char>(c);
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return std::string(truncate_utf8(out, max_bytes));
}

std::string encode_unstructured(std::string_view text, std::size_t column) {
  const std::string line = one_line(text, 500);  // Limit: a subject; clients show far less
  if (is_plain(line) && column + line.size() <= line_max) return line;
  return encoded_words(line, column);
}

std::string encode_mailbox(std::string_view name, std::string_view address, std::size_t column) {
  const std::string line = one_line(name, 200);
  if (line.empty()) return std::string(address);
  const std::string spec = "<" + std::string(address) + ">";
  const std::string shown =
      is_plain(line) && column + line.size() + 2 <= line_max ? quoted(line) : encoded_words(line, column);
  const std::size_t last = shown.rfind('\n');
  const std::size_t at = last == std::string::npos ? column + shown.size() : shown.size() - last - 1;
  return shown + (at + 1 + spec.size() <= line_max ? " " : "\r\n ") + spec;
}

std::string encode_filename(std::string_view parameter, std::string_view name) {
  std::string line = one_line(name, 1000);
  if (const std::size_t slash = line.find_last_of("/\\"); slash != std::string::npos) line.erase(0, slash + 1);
  // Cut from the front: what a program does with a file hangs on its end.
  while (line.size() > 100 || (!line.empty() && (static_cast<unsigned char>(line.front()) & 0xc0) == 0x80))
    line.erase(0, 1);
  if (line.empty() || line == "." || line == "..") line = "file";
  std::string ascii;
  for (const char c : line) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x80) {
      if ((u & 0xc0) == 0xc0) ascii += '_';
    } else {
      ascii += c == '"' || c == '\\' || c == '%' ? '_' : c;
    }
  }
  std::string out = ";\r\n " + std::string(parameter) + "=\"" + ascii + "\"";
  if (ascii != line) out += ";\r\n " + std::string(parameter) + "*=UTF-8''" + percent_encode(line);
  return out;
}

}  // namespace chatrelay::destinations::email
