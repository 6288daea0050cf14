// What a connector may put into the head of a request. Pure checks.
#pragma once

#include <string_view>

#include "common/error.hpp"

namespace chatrelay::destinations::connector {

// Name is a token (RFC 9110 §5.6.2) that is not the engine's own; value holds no control character but a tab.
// Invariant 10: a visitor's CR, LF or NUL never becomes a header.
Result<void> check_header(std::string_view name, std::string_view value);
// Host, Content-Length and other framing, and the webhook-* headers that the engine writes.
bool is_reserved_header(std::string_view name);
// Headers that carry credentials by their meaning.
bool is_secret_header(std::string_view name);
bool is_method(std::string_view method);

}  // namespace chatrelay::destinations::connector
