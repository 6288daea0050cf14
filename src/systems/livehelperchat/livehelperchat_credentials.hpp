// Taking the credentials out of text: what a JSON walk cannot see, because it stands in a string, in a form, or in what
// is no JSON. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chatrelay::systems::livehelperchat {

// Members that open something to whoever knows their value.
const std::vector<std::string>& credential_members();
bool is_credential(std::string_view member);

// A chat's hash as Live Helper Chat makes it: 40 letters and digits. Never a JSON number.
bool is_chat_hash(std::string_view word);
// Every chat hash in a text, once. Limit: 16.
std::vector<std::string> chat_hashes_in(std::string_view text);

// Replaces values: of quoted members ("hash":"…", \"hash\":\"…\", %22hash%22%3A%22…%22), of whatever follows the word
// `hash` and looks like one; then those hashes and the `known` ones wherever they stand (in a link). `is_json`: the
// text is well-formed and stays so.
std::string without_credentials(std::string text, std::vector<std::string> known, bool is_json);

}  // namespace chatrelay::systems::livehelperchat
