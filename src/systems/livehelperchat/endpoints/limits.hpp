// CallLimits: how often an account, an address without one, and an address that fails to log in may call. Of IPv6, a
// network of 64 bits is an address.
#pragma once

#include <string>
#include <string_view>

#include "http/request_limiter.hpp"
#include "systems/livehelperchat/endpoints/answers.hpp"
#include "systems/livehelperchat/endpoints/serving.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

// Thread: one. Reads no clock.
class CallLimits {
 public:
  using Verdict = http::RequestLimiter::Verdict;

  explicit CallLimits(const Limits& limits) : limits_(limits) {}
  Verdict take_account(std::string_view user, WallTime now);
  Verdict take_address(std::string_view address, WallTime now);
  // May it try to log in? Counts nothing. `remaining`: how often it may fail after that.
  Verdict look_at_logins(std::string_view address, WallTime now);
  void count_failed_login(std::string_view address, WallTime now);

  // 429 with Retry-After.
  static Reply too_many(Shape shape, const Verdict& verdict, std::string_view what);

 private:
  Limits limits_;
  http::RequestLimiter limiter_;
};

}  // namespace chatrelay::systems::livehelperchat::endpoints
