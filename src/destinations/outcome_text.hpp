// What an Outcome may keep of the outside world: bounded, printable, and without registered secrets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/secret.hpp"
#include "common/text.hpp"

namespace chatrelay::destinations {

inline constexpr std::size_t reason_bytes_max = 500;         // Limit: reason (event/outcome.hpp)
inline constexpr std::size_t response_bytes_kept = 4 << 10;  // Limit: response kept

// One line for people.
inline std::string bounded_reason(std::string_view text) {
  // Redacted before it is cut: half a secret would no longer be recognised. The ellipsis takes three bytes.
  const std::string safe = redactor::redact(text.substr(0, 16 << 10));
  return printable(safe, reason_bytes_max - 3);
}

// The beginning of an answer.
inline std::string kept_response(std::string_view body) {
  const std::string safe = repair_utf8(redactor::redact(body.substr(0, 64 << 10)));
  return std::string(truncate_utf8(safe, response_bytes_kept));
}

}  // namespace chatrelay::destinations
