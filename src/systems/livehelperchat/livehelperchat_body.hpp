// The bodies that Live Helper Chat's templates become: JSON under any content type, forms, and text that was meant to
// be JSON. Says what a body is and takes the credentials out of it; what it means is nobody's business here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.hpp"

namespace chatrelay::systems::livehelperchat {

// What a webhook is kept under. A sender's own word is never kept: it could pass for one of ours.
namespace stored_type {
inline constexpr const char* json = "";
inline constexpr const char* form = "application/x-www-form-urlencoded";
inline constexpr const char* multipart = "multipart/form-data";
inline constexpr const char* text = "text/plain";
}  // namespace stored_type

struct Body {
  std::string text;          // without credentials
  const char* content_type;  // one of stored_type
};

// `{{args.chat}}` and `{{args.user}}` dump whole rows: the chat's `hash` opens the conversation to whoever has it,
// `vid` reopens it, an operator's row has the password's hash. They are taken out wherever they stand, also inside a
// JSON text within a string and in what is no JSON at all. What was well-formed stays well-formed.
Body read_body(std::string_view body, std::string_view content_type);

// What expressions see of a stored body: the document, or an object of a form's fields (a field that holds a JSON
// object or list is that). Errors: why it cannot be understood.
Result<json::value> payload_of(std::string_view text, std::string_view content_type);

// Every value of a parameter in a query, decoded.
std::vector<std::string> query_values(std::string_view query, std::string_view name);

}  // namespace chatrelay::systems::livehelperchat
