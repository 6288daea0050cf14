#include "systems/livechatoo/endpoints/identity_token.hpp"

#include <algorithm>

#include "common/crypto.hpp"
#include "common/json.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

namespace {

constexpr std::size_t token_bytes_max = 4096;
constexpr Millis leeway{30'000};                       // between two clocks
constexpr std::int64_t seconds_max = 253'402'300'799;  // the year 9999: what lies beyond is no time

// RFC 7515 §2: without padding, and nothing but the alphabet.
std::optional<std::string> decode_part(std::string_view part) {
  const bool plain = !part.empty() && std::ranges::all_of(part, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
  return plain ? base64_decode(part) : std::nullopt;
}

bool is_signed(const TokenRules& rules, std::string_view text, std::string_view signature) {
  bool matched = false;
  for (const Secret& secret : rules.secrets) {
    const Digest digest = hmac_sha256(secret.reveal(), text);
    const bool same = equal_constant_time(as_text(digest), signature);
    matched = matched || same;
  }
  return matched;
}

std::optional<WallTime> seconds_at(const json::value& claims, std::string_view key) {
  const auto seconds = number_at(claims, key);  // RFC 7519 §2: a NumericDate may have a fraction
  if (!seconds || !(*seconds >= 0 && *seconds <= static_cast<double>(seconds_max))) return std::nullopt;
  return from_ms(static_cast<long long>(*seconds * 1000));
}

bool is_good_now(const json::value& claims, const TokenRules& rules, WallTime now) {
  const auto expires = seconds_at(claims, "exp");
  if (!expires || *expires + leeway <= now || *expires > now + rules.max_age + leeway) return false;
  if (!find(claims, "nbf")) return true;
  const auto not_before = seconds_at(claims, "nbf");
  return not_before && *not_before <= now + leeway;
}

}  // namespace

std::optional<boost::json::object> verify_token(const TokenRules& rules, std::string_view token, WallTime now) {
  if (token.size() > token_bytes_max || std::ranges::count(token, '.') != 2) return std::nullopt;
  const std::size_t first = token.find('.'), second = token.rfind('.');
  const auto head = decode_part(token.substr(0, first));
  const auto body = decode_part(token.substr(first + 1, second - first - 1));
  const auto signature = decode_part(token.substr(second + 1));
  if (!head || !body || !signature || !is_signed(rules, token.substr(0, second), *signature)) return std::nullopt;
  const auto header = parse_json(*head);
  const auto claims = parse_json(*body);
  if (!header || !claims || !claims->is_object()) return std::nullopt;
  // RFC 8725 §3.1: the algorithm is ours to choose; "crit" asks for what we do not know.
  if (strict_string_at(*header, "alg") != "HS256" || find(*header, "crit")) return std::nullopt;
  if (!is_good_now(*claims, rules, now)) return std::nullopt;
  json::object shown;
  for (const auto& [key, value] : claims->get_object()) {
    constexpr std::string_view own[] = {"exp", "nbf", "iat", "iss", "aud", "jti"};
    if (std::ranges::find(own, std::string_view(key)) == std::end(own)) shown[key] = value;
  }
  return shown;
}

}  // namespace chatrelay::systems::livechatoo::endpoints
