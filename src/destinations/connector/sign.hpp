// Signatures of outgoing requests. Pure: the time is given.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "destinations/connector/url.hpp"

namespace chatrelay::destinations::connector {

// The key bytes of a Standard Webhooks secret: "whsec_" and base64, or the bytes as they are.
// Errors: whsec_ without valid base64. (https://github.com/standard-webhooks/standard-webhooks, spec §"Signature
// scheme")
Result<std::string> standard_webhooks_key(std::string_view secret);

// webhook-timestamp (seconds) and webhook-signature ("v1," and base64 of HMAC-SHA256 over "id.timestamp.body").
// webhook-id is not among them: every request has it, signed or not.
NamedValues standard_webhooks_headers(std::string_view key, std::string_view id, WallTime now, std::string_view body);

}  // namespace chatrelay::destinations::connector
