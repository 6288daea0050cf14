// TextParts: a long text as several messages, in order, each short enough for a chat. Nothing but the white space at a
// cut is lost; a cut falls between paragraphs, lines or words where one is near, else between two characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chatrelay::destinations::conversation {

// `text` is valid UTF-8. Lengths are UTF-16 units, as chat clients count them. Empty for a text of white space.
std::vector<std::string> text_parts(std::string_view text, std::size_t units_max);

}  // namespace chatrelay::destinations::conversation
