#include "ingest/browsers.hpp"

#include <string>

#include "http/address.hpp"

namespace chatrelay::ingest {

namespace {

constexpr const char* preflight_age_s = "600";  // a reload that takes an origin away shows in ten minutes

}  // namespace

bool is_preflight(const http::Request& request) {
  return request.method() == "OPTIONS" && !request.header("Access-Control-Request-Method").empty();
}

http::Response preflight(const systems::BrowserRules& rules, const http::Request& request) {
  if (!rules.allows(request.header("Origin"))) return http::Response(403, "this website may not send here\n");
  http::Response response(204);
  response.headers.emplace_back("Access-Control-Allow-Methods", "POST");
  response.headers.emplace_back("Access-Control-Allow-Headers", "Content-Type");
  response.headers.emplace_back("Access-Control-Max-Age", preflight_age_s);
  return response;
}

void add_cross_origin(const systems::BrowserRules& rules, const http::Request& request, http::Response& response) {
  // The answer depends on who asks: without this a cache would give one website's answer to another.
  response.headers.emplace_back("Vary", "Origin");
  const std::string_view origin = request.header("Origin");
  if (!rules.allows(origin)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", std::string(origin));
  response.headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
}

http::RequestLimiter::Verdict BrowserLimits::take(std::string_view source, const systems::BrowserRules& rules,
                                                  std::string_view remote, WallTime now) {
  std::string key(source);
  key.append(" ").append(http::counted_address(remote));
  return limiter_.take(key, rules.per_address, now);
}

}  // namespace chatrelay::ingest
