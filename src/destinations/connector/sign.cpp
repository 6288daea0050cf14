#include "destinations/connector/sign.hpp"

#include "common/crypto.hpp"

namespace chatrelay::destinations::connector {

namespace {
constexpr std::string_view whsec = "whsec_";
}

Result<std::string> standard_webhooks_key(std::string_view secret) {
  if (secret.empty()) return invalid("is empty");
  if (!secret.starts_with(whsec)) return std::string(secret);
  std::optional<std::string> key = base64_decode(secret.substr(whsec.size()));
  if (!key || key->empty()) return invalid("starts with whsec_, but what follows is not base64");
  return std::move(*key);
}

NamedValues standard_webhooks_headers(std::string_view key, std::string_view id, WallTime now, std::string_view body) {
  const std::string timestamp =
      std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  std::string signed_text;
  signed_text.reserve(id.size() + timestamp.size() + body.size() + 2);
  signed_text.append(id).append(1, '.').append(timestamp).append(1, '.').append(body);
  const Digest digest = hmac_sha256(key, signed_text);
  NamedValues headers;
  headers.emplace_back("webhook-timestamp", timestamp);
  headers.emplace_back("webhook-signature", "v1," + base64_encode(as_text(digest)));
  return headers;
}

}  // namespace chatrelay::destinations::connector
