#include "destinations/connector/http_rules.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"

namespace chatrelay::destinations::connector {

namespace {

// Who sets one of these changes where a request goes or where its body ends (request smuggling).
constexpr std::array<std::string_view, 12> reserved{
    "host",   "content-length",    "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-connection",
    "expect", "webhook-timestamp", "webhook-signature", "webhook-id"};

constexpr std::array<std::string_view, 5> methods{"GET", "POST", "PUT", "PATCH", "DELETE"};

bool is_token_character(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}

}  // namespace

bool is_reserved_header(std::string_view name) {
  return std::ranges::any_of(reserved, [&](std::string_view r) { return iequals_ascii(r, name); });
}

bool is_secret_header(std::string_view name) {
  const std::string lower = to_lower_ascii(name);
  for (const std::string_view part : {"authorization", "token", "secret", "key", "password", "cookie"}) {
    if (lower.find(part) != std::string::npos) return true;
  }
  return false;
}

bool is_method(std::string_view method) {
  return std::ranges::find(methods, method) != methods.end();
}

Result<void> check_header(std::string_view name, std::string_view value) {
  if (name.empty() || !std::ranges::all_of(name, is_token_character)) {
    return invalid("\"" + printable(name, 60) + "\" is not a header name");
  }
  if (is_reserved_header(name)) {
    return invalid("header " + std::string(name) + " is set by chatrelay itself and cannot be given");
  }
  const bool control = std::ranges::any_of(value, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
  if (control) return invalid("header " + std::string(name) + " holds a line break or another control character");
  return {};
}

}  // namespace chatrelay::destinations::connector
