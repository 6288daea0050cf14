// A small reader of mails for tests, written against RFC 5322 and 2045–2047 and not against the builder: it fails on
// anything that is not strictly right.
#pragma once

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/crypto.hpp"
#include "common/text.hpp"

namespace chatrelay::destinations::testing {

struct MimePart {
  std::vector<std::pair<std::string, std::string>> headers;  // unfolded
  std::string body;                                          // decoded, if not multipart
  std::vector<MimePart> parts;
  std::string header(std::string_view name) const {
    for (const auto& [n, v] : headers) {
      if (iequals_ascii(n, name)) return v;
    }
    return "(none)";
  }
  std::size_t count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(headers, [&](const auto& h) { return iequals_ascii(h.first, name); }));
  }
};

// Every line ends in CRLF, no bare CR or LF, ASCII only, no line over 998 bytes (78 for headers but parameters).
inline void check_lines(std::string_view mail) {
  if (!mail.ends_with("\r\n")) throw std::runtime_error("does not end in CRLF");
  std::size_t column = 0;
  for (std::size_t i = 0; i < mail.size(); ++i) {
    const auto c = static_cast<unsigned char>(mail[i]);
    if (c == 0 || c >= 0x80) throw std::runtime_error("byte " + std::to_string(c) + " at " + std::to_string(i));
    if (c == '\n') throw std::runtime_error("bare LF at " + std::to_string(i));
    if (c == '\r') {
      if (i + 1 >= mail.size() || mail[i + 1] != '\n') throw std::runtime_error("bare CR at " + std::to_string(i));
      ++i;
      column = 0;
      continue;
    }
    if (++column > 998) throw std::runtime_error("line too long");
  }
}

inline std::string decode_strict_base64(std::string_view body) {
  std::string joined;
  while (!body.empty()) {
    const std::size_t end = body.find("\r\n");
    if (end == std::string_view::npos) throw std::runtime_error("base64 line without end");
    if (end > 76) throw std::runtime_error("base64 line over 76");
    joined += body.substr(0, end);
    body.remove_prefix(end + 2);
  }
  auto decoded = base64_decode(joined);
  if (!decoded) throw std::runtime_error("not base64");
  return *decoded;
}

inline MimePart parse_mime(std::string_view text) {
  MimePart part;
  while (true) {
    const std::size_t end = text.find("\r\n");
    if (end == std::string_view::npos) throw std::runtime_error("headers without end");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {
      if (part.headers.empty() || trim(line).empty()) throw std::runtime_error("bad folding");
      part.headers.back().second += line;
      continue;
    }
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos || line.substr(0, colon).find(' ') != std::string_view::npos)
      throw std::runtime_error("bad header: " + std::string(line));
    part.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  const std::string type = part.header("Content-Type");
  if (!type.starts_with("multipart/")) {
    if (part.header("Content-Transfer-Encoding") != "base64") throw std::runtime_error("a body that is not base64");
    part.body = decode_strict_base64(text);
    return part;
  }
  const std::size_t begin = type.find("boundary=\"") + 10;
  const std::string delimiter = "--" + type.substr(begin, type.find('"', begin) - begin);
  if (delimiter.size() > 72) throw std::runtime_error("boundary over 70");
  while (true) {
    if (!text.starts_with(delimiter)) throw std::runtime_error("no delimiter where one must be");
    text.remove_prefix(delimiter.size());
    if (text == "--\r\n") return part;
    if (!text.starts_with("\r\n")) throw std::runtime_error("bad delimiter");
    text.remove_prefix(2);
    // A delimiter begins a line; the CRLF before it belongs to it, and our parts end in CRLF (an empty last line).
    const std::size_t next = text.find("\r\n" + delimiter);
    if (next == std::string_view::npos) throw std::runtime_error("part without end");
    part.parts.push_back(parse_mime(text.substr(0, next + 2)));
    text.remove_prefix(next + 2);
  }
}

inline MimePart parse_mail(std::string_view mail) {
  check_lines(mail);
  return parse_mime(mail);
}

// RFC 2047 §2: at most 75 characters each; adjacent encoded-words join without the space between them.
inline std::string decode_words(std::string_view text) {
  std::string out;
  bool after_word = false;
  while (!text.empty()) {
    const std::size_t begin = text.find("=?UTF-8?B?");
    const std::string_view before = text.substr(0, begin);
    if (!(after_word && begin != std::string_view::npos && trim(before).empty())) out += before;
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin + 10);
    const std::size_t end = text.find("?=");
    if (end == std::string_view::npos || end + 12 > 75) throw std::runtime_error("bad encoded-word");
    const auto decoded = base64_decode(text.substr(0, end));
    if (!decoded || !is_valid_utf8(*decoded)) throw std::runtime_error("encoded-word is not whole UTF-8");
    out += *decoded;
    text.remove_prefix(end + 2);
    after_word = true;
  }
  return out;
}

}  // namespace chatrelay::destinations::testing
