#include "common/standard_webhooks.hpp"

#include <algorithm>

#include "common/crypto.hpp"
#include "common/secret.hpp"

namespace chatrelay {

namespace {
constexpr std::string_view whsec = "whsec_";
constexpr std::size_t signatures_max = 16;
}  // namespace

Result<std::string> standard_webhooks_key(std::string_view secret) {
  if (secret.empty()) return invalid("is empty");
  if (!secret.starts_with(whsec)) return std::string(secret);
  std::optional<std::string> key = base64_decode(secret.substr(whsec.size()));
  if (!key || key->empty()) return invalid("starts with whsec_, but what follows is not base64");
  return std::move(*key);
}

std::string standard_webhooks_signature(std::string_view key, std::string_view id, std::string_view timestamp,
                                        std::string_view body) {
  std::string signed_text;
  signed_text.reserve(id.size() + timestamp.size() + body.size() + 2);
  signed_text.append(id).append(1, '.').append(timestamp).append(1, '.').append(body);
  const Digest digest = hmac_sha256(key, signed_text);
  return "v1," + base64_encode(as_text(digest));
}

std::string standard_webhooks_timestamp(WallTime now) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
}

bool standard_webhooks_matches(std::string_view key, std::string_view id, std::string_view timestamp,
                               std::string_view body, std::string_view signatures) {
  const std::string expected = standard_webhooks_signature(key, id, timestamp, body);
  bool matched = false;
  for (std::size_t n = 0; n < signatures_max && !signatures.empty(); ++n) {
    // Spaces between signatures; ", " where the header came twice and was joined.
    std::string_view one = signatures.substr(0, signatures.find(' '));
    signatures.remove_prefix(std::min(signatures.size(), one.size() + 1));
    if (one.ends_with(',')) one.remove_suffix(1);
    matched = equal_constant_time(expected, one) || matched;
  }
  return matched;
}

}  // namespace chatrelay
