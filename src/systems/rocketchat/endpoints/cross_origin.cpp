#include "systems/rocketchat/endpoints/cross_origin.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "systems/rocketchat/endpoints/answers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr const char* methods = "GET, POST, PUT, DELETE";
constexpr const char* request_headers = "Content-Type, X-Auth-Token, X-User-Id, X-Visitor-Token, X-Requested-With";
constexpr const char* shown_headers = "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After";
constexpr const char* preflight_age_s =
    "600";  // browsers keep no answer longer than two hours; a reload shows in ten minutes

}  // namespace

CrossOrigin::CrossOrigin(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) origins_.push_back(to_lower_ascii(origin));
  anybody_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

CrossOrigin::Verdict CrossOrigin::judge(const http::Request& request) const {
  const std::string origin = to_lower_ascii(request.header("Origin"));
  if (origin.empty()) return Verdict::none;
  // Only the host is compared: behind a proxy that we do not know we cannot tell https from http.
  const auto scheme_end = origin.find("://");
  const std::string host = to_lower_ascii(request.header("Host"));
  if (scheme_end != origin.npos && !host.empty() && std::string_view(origin).substr(scheme_end + 3) == host)
    return Verdict::none;
  if (anybody_ || std::find(origins_.begin(), origins_.end(), origin) != origins_.end()) return Verdict::welcome;
  return Verdict::foreign;
}

bool CrossOrigin::is_preflight(const http::Request& request) {
  return request.method() == "OPTIONS" && !request.header("Access-Control-Request-Method").empty();
}

http::Response CrossOrigin::preflight(const http::Request& request, Verdict verdict) const {
  http::Response response = verdict == Verdict::foreign ? failure("origin-not-allowed") : http::Response(204);
  if (verdict == Verdict::foreign) response.status = 403;
  add_headers(request, verdict, response);
  if (verdict != Verdict::welcome) return response;
  response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  response.headers.emplace_back("Access-Control-Allow-Headers", request_headers);
  response.headers.emplace_back("Access-Control-Max-Age", preflight_age_s);
  return response;
}

void CrossOrigin::add_headers(const http::Request& request, Verdict verdict, http::Response& response) const {
  // The answer depends on who asks: without this a cache would give one site's answer to another.
  if (!anybody_) response.headers.emplace_back("Vary", "Origin");
  if (verdict != Verdict::welcome) return;
  if (anybody_) {
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  } else {
    response.headers.emplace_back("Access-Control-Allow-Origin", std::string(request.header("Origin")));
    response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  }
  response.headers.emplace_back("Access-Control-Expose-Headers", shown_headers);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
