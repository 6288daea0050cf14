// Pieces of JSON text that the scanner and the parser share: escapes.
#pragma once

#include <string>
#include <string_view>

namespace chatrelay::json_text {

// Four hexadecimal digits at the front of `text`; -1 if they are not there.
int hex4(std::string_view text);

// What stands between the quotes of a JSON string, unescaped; lone surrogates and invalid UTF-8 become U+FFFD.
std::string unescape(std::string_view inner);

// The text with every escape of a lone surrogate (\ud800 without its partner) replaced by \ufffd, and invalid UTF-8 by
// U+FFFD.
std::string repair(std::string_view text);

}  // namespace chatrelay::json_text
