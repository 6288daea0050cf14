// Standard Webhooks: the signature scheme that our webhook connector makes, the generic source checks, and the sink
// shows. Pure: the time is given. Source: https://github.com/standard-webhooks/standard-webhooks, spec, "Signature
// scheme".
#pragma once

#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay {

// The key bytes of a secret: "whsec_" and base64, or, without that prefix, the bytes as they are.
// Errors: empty, or whsec_ without valid base64; the text goes on a sentence that names the secret.
Result<std::string> standard_webhooks_key(std::string_view secret);

// "v1," and base64 of HMAC-SHA256 over "id.timestamp.body"; the timestamp is the header's text, whole seconds.
std::string standard_webhooks_signature(std::string_view key, std::string_view id, std::string_view timestamp,
                                        std::string_view body);
// The text of webhook-timestamp: seconds, rounded down.
std::string standard_webhooks_timestamp(WallTime now);

// Does one of the signatures of a webhook-signature header (several while a secret is changed) fit? In constant time.
// Limit: the first 16 signatures are looked at.
bool standard_webhooks_matches(std::string_view key, std::string_view id, std::string_view timestamp,
                               std::string_view body, std::string_view signatures);

}  // namespace chatrelay
