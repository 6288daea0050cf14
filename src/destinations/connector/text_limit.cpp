#include "destinations/connector/text_limit.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::size_t pieces_max = 50;  // Limit: pieces of one text; more would be a flood of a channel
constexpr std::size_t entity_bytes_max = 10;
constexpr std::string_view ellipsis = "…";

std::size_t bytes_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

std::size_t units_of(std::size_t bytes, TextUnit unit) {
  if (unit == TextUnit::bytes) return bytes;
  return unit == TextUnit::utf16 && bytes == 4 ? 2 : 1;
}

// How many bytes of `text` fit into `length`.
std::size_t fitting(std::string_view text, std::size_t length, TextUnit unit) {
  std::size_t at = 0, used = 0;
  while (at < text.size()) {
    const std::size_t bytes = std::min(bytes_of(static_cast<unsigned char>(text[at])), text.size() - at);
    const std::size_t units = units_of(bytes, unit);
    if (used + units > length) break;
    used += units;
    at += bytes;
  }
  return at;
}

// A cut at `at` would part "&amp;" or a backslash from what it escapes: the nearest place before it that does not.
std::size_t whole_escapes(std::string_view text, std::size_t at) {
  const std::size_t from = at > entity_bytes_max ? at - entity_bytes_max : 0;
  const std::size_t ampersand = text.substr(0, at).rfind('&');
  if (ampersand != std::string_view::npos && ampersand >= from) {
    const std::size_t end = text.find_first_of("; \n&", ampersand + 1);
    if (end != std::string_view::npos && text[end] == ';' && end >= at && end - ampersand <= entity_bytes_max)
      at = ampersand;
  }
  std::size_t backslashes = 0;
  while (backslashes < at && text[at - backslashes - 1] == '\\') ++backslashes;
  return at - backslashes % 2;
}

std::size_t after_last(std::string_view head, std::string_view mark, std::size_t least) {
  const std::size_t found = head.rfind(mark);
  return found == std::string_view::npos || found + mark.size() < least ? 0 : found + mark.size();
}

// Where the next piece ends.
std::size_t cut(std::string_view text, const TextLimit& limit) {
  const std::size_t most = fitting(text, limit.length, limit.unit);
  if (most == text.size()) return most;
  const std::string_view head = text.substr(0, most);
  const std::size_t least = most - most / 3;
  for (const std::string_view mark : {"\n\n", "\n", " "})
    if (const std::size_t at = after_last(head, mark, least); at > 0) return at;
  const std::size_t at = whole_escapes(text, most);
  // A limit of a few bytes may leave no such place; then anything is better than no progress.
  return at > 0 ? at : std::max(most, std::min(bytes_of(static_cast<unsigned char>(text[0])), text.size()));
}

}  // namespace

std::size_t text_length(std::string_view text, TextUnit unit) {
  std::size_t length = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::min(bytes_of(static_cast<unsigned char>(text[at])), text.size() - at);
    length += units_of(bytes, unit);
    at += bytes;
  }
  return length;
}

std::string truncated(std::string_view text, const TextLimit& limit) {
  if (text_length(text, limit.unit) <= limit.length) return std::string(text);
  const std::size_t mark = text_length(ellipsis, limit.unit);
  if (limit.length < mark) return std::string(text.substr(0, fitting(text, limit.length, limit.unit)));
  const std::size_t at = whole_escapes(text, fitting(text, limit.length - mark, limit.unit));
  return std::string(text.substr(0, at)).append(ellipsis);
}

std::vector<std::string> split(std::string_view text, const TextLimit& limit) {
  if (text_length(text, limit.unit) <= limit.length) return {std::string(text)};
  std::vector<std::string> pieces;
  std::string_view rest = text;
  bool within_line = false;
  const std::size_t mark = text_length(expression::continuation_mark(limit.escape), limit.unit);
  TextLimit room = limit;  // for a piece without the mark that it may begin with
  if (room.length > 2 * mark) room.length -= mark;
  const auto begun = [&](std::string_view piece) {
    return within_line ? expression::continued(piece, limit.escape) : std::string(piece);
  };
  // Counting all that is left each time would take minutes for a text of spaces.
  const auto fits = [&] { return fitting(rest, room.length, room.unit) == rest.size(); };
  while (!fits() && pieces.size() + 1 < pieces_max) {
    const std::size_t end = cut(rest, room);
    const std::string_view piece = trim(rest.substr(0, end));
    // Only the end of a piece is trimmed: what a line begins with may be meant.
    if (!piece.empty()) pieces.push_back(begun({rest.data(), static_cast<std::size_t>(piece.end() - rest.begin())}));
    within_line = rest[end - 1] != '\n' && rest[end - 1] != '\r';
    rest.remove_prefix(end);
    while (rest.starts_with('\n') || rest.starts_with('\r')) {
      rest.remove_prefix(1);
      within_line = false;
    }
  }
  if (!trim(rest).empty() || pieces.empty()) pieces.push_back(begun(truncated(rest, room)));
  return pieces;
}

}  // namespace chatrelay::destinations::connector
