// Does a text look like an e-mail address? No look-ups: whether somebody reads mail there, nobody can tell by asking
// the DNS. Pure.
#pragma once

#include <string_view>

namespace chatrelay::systems::rocketchat::endpoints {

// One address that a person may have, in any script: something@something, without spaces, quotes or brackets. Limit:
// 254 bytes.
bool looks_like_email(std::string_view text);

// Stricter: an address that our mail destinations take as it is (ASCII; RFC 5321 §4.5.3.1: 64 and 254).
bool is_mail_recipient(std::string_view text);

}  // namespace chatrelay::systems::rocketchat::endpoints
