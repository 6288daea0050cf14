#include "systems/livehelperchat/endpoints/limits.hpp"

#include <algorithm>
#include <string>

#include "http/address.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

std::string key_of(std::string_view what, std::string_view value) {
  std::string key(what);
  return key.append(" ").append(value);
}

}  // namespace

CallLimits::Verdict CallLimits::take_account(std::string_view user, WallTime now) {
  return limiter_.take(key_of("account", user), limits_.per_key, now);
}

CallLimits::Verdict CallLimits::take_address(std::string_view address, WallTime now) {
  return limiter_.take(key_of("address", http::counted_address(address)), limits_.per_address, now);
}

CallLimits::Verdict CallLimits::look_at_logins(std::string_view address, WallTime now) {
  const std::string key = key_of("login", http::counted_address(address));
  const Verdict verdict = limiter_.take(key, limits_.failed_logins, now);
  if (verdict.allowed) limiter_.give_back(key);
  return verdict;
}

void CallLimits::count_failed_login(std::string_view address, WallTime now) {
  limiter_.take(key_of("login", http::counted_address(address)), limits_.failed_logins, now);
}

Reply CallLimits::too_many(Shape shape, const Verdict& verdict, std::string_view what) {
  const auto seconds = std::max<Millis::rep>(1, (verdict.retry_after.count() + 999) / 1000);
  const std::string wait = std::to_string(seconds);
  std::string text = "Too many ";
  text.append(what).append("! Please wait ").append(wait).append(" seconds.");
  Reply reply = failed_with(429, shape, text);
  reply.headers.emplace_back("Retry-After", wait);
  return reply;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
