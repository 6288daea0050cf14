#include "destinations/conversation/text_parts.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::destinations::conversation {

namespace {

constexpr std::string_view white = " \r\n";

std::size_t sequence_bytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

// How many bytes fit into so many UTF-16 units: what UTF-8 writes in four bytes takes two of them.
std::size_t bytes_that_fit(std::string_view text, std::size_t units_max) {
  std::size_t at = 0;
  for (std::size_t units = 0; at < text.size();) {
    const std::size_t bytes = sequence_bytes(text[at]);
    units += bytes == 4 ? 2 : 1;
    if (units > units_max) break;
    at += bytes;
  }
  return std::min(at, text.size());
}

// The best place for a cut in the second half, so that parts stay long; npos: there is none.
std::size_t soft_cut(std::string_view head) {
  for (const std::string_view mark : {"\n\n", "\n", " "}) {
    const std::size_t at = head.rfind(mark);
    if (at != head.npos && at >= head.size() / 2) return at;
  }
  return head.npos;
}

}  // namespace

std::vector<std::string> text_parts(std::string_view text, std::size_t units_max) {
  std::vector<std::string> parts;
  if (trim(text).empty()) return parts;
  while (!text.empty()) {
    std::size_t size = bytes_that_fit(text, units_max);
    if (size == text.size()) {
      parts.emplace_back(text);
      break;
    }
    // One character more than fits: a part may end right before white space.
    const std::size_t cut = soft_cut(text.substr(0, size + 1));
    if (cut != text.npos && cut > 0) size = cut;
    if (size == 0) size = sequence_bytes(text.front());  // units_max is smaller than one character
    std::string_view part = text.substr(0, size);
    if (cut != text.npos) part = part.substr(0, part.find_last_not_of(white) + 1);
    if (!trim(part).empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(size, text.size()));
    if (cut != text.npos) text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
  }
  return parts;
}

}  // namespace chatrelay::destinations::conversation
