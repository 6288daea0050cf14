// Text of strangers: repairing it, cutting it, escaping it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chatrelay {

bool is_valid_utf8(std::string_view text);
// Every maximal ill-formed sequence becomes one U+FFFD (Unicode 15 §3.9, best practice).
std::string repair_utf8(std::string_view text);
// Cuts at a code point boundary so that at most max_bytes remain.
std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes);
// For one log line: control characters and line breaks become \xNN, cut to max_bytes with "…".
std::string printable(std::string_view text, std::size_t max_bytes = 200);
std::string escape_html(std::string_view text);     // & < > " '
std::string percent_encode(std::string_view text);  // everything but RFC 3986 unreserved
std::string to_lower_ascii(std::string_view text);
std::string_view trim(std::string_view text);  // ASCII white space
bool iequals_ascii(std::string_view a, std::string_view b);
// The candidate with the smallest edit distance to `word`, if it is near enough to be a typing error; else empty.
std::string_view nearest(std::string_view word, const std::string_view* candidates, std::size_t count);

}  // namespace chatrelay
