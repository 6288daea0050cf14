#include "systems/rocketchat/endpoints/call_limits.hpp"

#include <algorithm>
#include <string>

#include "common/crypto.hpp"
#include "http/address.hpp"
#include "systems/rocketchat/endpoints/answers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

using Verdict = http::RequestLimiter::Verdict;

std::string_view name_of(Limit limit) {
  switch (limit) {
    case Limit::standard:
      return "default";
    case Limit::message:
      return "message";
    case Limit::visitor:
      return "visitor";
    case Limit::room:
      return "room";
    case Limit::history:
      return "history";
    case Limit::offline_message:
      return "offline_message";
  }
  return "default";
}

std::string key_of(Limit limit, std::string_view what, std::string_view value) {
  std::string key(name_of(limit));
  return key.append(" ").append(what).append(":").append(value);
}

// A token may be a megabyte long.
std::string short_name(std::string_view token) {
  const Digest digest = sha256(token);
  return std::string(as_text(digest));
}

bool by_address_alone(Limit limit) {
  return limit == Limit::offline_message;
}

}  // namespace

Verdict CallLimits::take_address(Limit limit, std::string_view address, WallTime now) {
  const Rate& rate = limits_.of(limit);
  const std::int64_t factor = by_address_alone(limit) ? 1 : limits_.per_address;
  return limiter_.take(key_of(limit, "a", http::counted_address(address)), Rate{rate.count * factor, rate.per}, now);
}

Verdict CallLimits::take_token(Limit limit, std::string_view token, std::string_view address, const Verdict& of_address,
                               WallTime now) {
  if (by_address_alone(limit) || token.empty()) return of_address;
  const Verdict of_token = limiter_.take(key_of(limit, "t", short_name(token)), limits_.of(limit), now);
  if (!of_token.allowed) limiter_.give_back(key_of(limit, "a", http::counted_address(address)));
  return of_token.allowed && of_address.remaining < of_token.remaining ? of_address : of_token;
}

void CallLimits::add_headers(const Verdict& verdict, http::Response& response) {
  response.headers.emplace_back("X-RateLimit-Limit", std::to_string(verdict.limit));
  response.headers.emplace_back("X-RateLimit-Remaining", std::to_string(verdict.remaining));
  response.headers.emplace_back("X-RateLimit-Reset", std::to_string(to_ms(verdict.reset)));
}

http::Response CallLimits::too_many(const Verdict& verdict) {
  const auto seconds = std::max<Millis::rep>(1, (verdict.retry_after.count() + 999) / 1000);
  http::Response response =
      failure("Error, too many requests. Please slow down. You must wait " + std::to_string(seconds) +
              " seconds before trying this endpoint again. [error-too-many-requests]");
  response.status = 429;
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
