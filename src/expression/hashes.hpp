// Hashes that services ask for by name: MD5 (Mailchimp's member ids) and name-based UUIDs. For names, never for
// secrets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chatrelay::expression {

std::string md5_hex(std::string_view text);
// RFC 4122 §4.3, version 5; nullopt if `space` is not a UUID.
std::optional<std::string> uuid5(std::string_view space, std::string_view name);

}  // namespace chatrelay::expression
