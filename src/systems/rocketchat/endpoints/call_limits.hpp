// CallLimits: how often a visitor, and an address, may call. A visitor's token counts by the rate of its route; an
// address by `per_address` times as much, so that an office behind one address is served and a flood of made-up tokens
// is not. A call that its token has used up does not count for the address: one visitor's page gone wild shuts out
// nobody beside it. Offline messages carry no token and count by their address alone, without the factor. Of IPv6, a
// network of 64 bits is an address.
#pragma once

#include <string_view>

#include "http/request_limiter.hpp"
#include "http/server.hpp"
#include "systems/rocketchat/endpoints/serving.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

class CallLimits {
 public:
  explicit CallLimits(const Limits& limits) : limits_(limits) {}

  // Counts the call for its address: before anything of it is read.
  http::RequestLimiter::Verdict take_address(Limit limit, std::string_view address, WallTime now);
  // Then for its token (empty: none). Of the two, what is nearer to its end.
  http::RequestLimiter::Verdict take_token(Limit limit, std::string_view token, std::string_view address,
                                           const http::RequestLimiter::Verdict& of_address, WallTime now);

  // X-RateLimit-Limit, -Remaining, and -Reset in epoch milliseconds.
  static void add_headers(const http::RequestLimiter::Verdict& verdict, http::Response& response);
  static http::Response too_many(const http::RequestLimiter::Verdict& verdict);

 private:
  Limits limits_;
  http::RequestLimiter limiter_;
};

}  // namespace chatrelay::systems::rocketchat::endpoints
