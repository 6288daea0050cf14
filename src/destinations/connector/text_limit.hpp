// Text limits: `max` of a key of `with`. How long a service lets a text be, in what it counts, and what becomes of a
// longer one. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "expression/escape.hpp"

namespace chatrelay::destinations::connector {

enum class TextUnit { characters, utf16, bytes };  // code points, UTF-16's units, UTF-8's bytes
enum class TextMode { truncate, split, reject };

struct TextLimit {
  std::size_t length = 0;
  TextUnit unit = TextUnit::characters;
  TextMode mode = TextMode::truncate;
  expression::Escape escape = expression::Escape::none;  // of the text: what is parted must stay escaped
};

std::size_t text_length(std::string_view text, TextUnit unit);
// At most `limit.length`, the ellipsis included.
std::string truncated(std::string_view text, const TextLimit& limit);
// In order, none longer than the limit, none empty unless the text is; cut after a line or a word where one ends in the
// last third of a piece, and never inside an entity or behind a backslash of an escape. White space at a cut is left
// out, and a piece that goes on within a line makes no heading, list, mention or command of what it begins with
// (expression::continued). Limit: 50 pieces; the last one is truncated.
std::vector<std::string> split(std::string_view text, const TextLimit& limit);

}  // namespace chatrelay::destinations::connector
