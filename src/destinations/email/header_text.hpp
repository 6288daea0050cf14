// Texts of strangers in headers of mail. Whatever comes in, what goes out is ASCII without CR, LF and NUL but for the
// folding that is written here, and no line is longer than 78.
#pragma once

#include <string>
#include <string_view>

namespace chatrelay::destinations::email {

// For Subject: plain if it is short printable ASCII, else encoded-words (RFC 2047, UTF-8, base64), folded. Control
// characters and line breaks become spaces. `column` is where the text starts on its line.
std::string encode_unstructured(std::string_view text, std::size_t column);

// "Name <a@b>" for From, To, Cc, Reply-To: the name quoted or encoded; without a name only the address.
std::string encode_mailbox(std::string_view name, std::string_view address, std::size_t column);

// `; filename="…"` and, where it needs more than plain ASCII, `; filename*=UTF-8''…` (RFC 2231, RFC 6266 style), each
// on a line of its own. Folders are cut off the name. Limit: 100 bytes of the name are kept.
std::string encode_filename(std::string_view parameter, std::string_view name);

// One line, repaired: control characters become spaces, runs of spaces one, at most max_bytes.
std::string one_line(std::string_view text, std::size_t max_bytes);

}  // namespace chatrelay::destinations::email
