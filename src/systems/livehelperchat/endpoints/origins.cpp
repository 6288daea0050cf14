#include "systems/livehelperchat/endpoints/origins.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {
constexpr const char* methods = "GET, POST, OPTIONS, PUT, DELETE";
constexpr const char* request_headers = "Origin, X-Requested-With, Content-Type, Accept, API-Key, Authorization";
constexpr const char* preflight_age_s = "1728000";
}  // namespace

Origins::Origins(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) origins_.push_back(to_lower_ascii(origin));
  anybody_ = origins_.empty() || std::ranges::find(origins_, "*") != origins_.end();
}

bool Origins::is_foreign(const http::Request& request) const {
  const std::string origin = to_lower_ascii(request.header("Origin"));
  if (anybody_ || origin.empty() || std::ranges::find(origins_, origin) != origins_.end()) return false;
  // Only the host is compared: behind a proxy that we do not know we cannot tell https from http.
  const std::size_t scheme_end = origin.find("://");
  const std::string host = to_lower_ascii(request.header("Host"));
  return scheme_end == origin.npos || host.empty() || std::string_view(origin).substr(scheme_end + 3) != host;
}

void Origins::add_headers(const http::Request& request, http::Response& response) const {
  // The answer depends on who asks: without this a cache would give one site's answer to another.
  if (!anybody_) response.headers.emplace_back("Vary", "Origin");
  const std::string origin(request.header("Origin"));
  if (!anybody_ && (origin.empty() || is_foreign(request))) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", anybody_ ? "*" : origin);
  response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  // A preflight has been told its own: two fields of that name would be read as one.
  const auto is_told = [](const auto& header) { return header.first == "Access-Control-Allow-Headers"; };
  if (std::ranges::none_of(response.headers, is_told))
    response.headers.emplace_back("Access-Control-Allow-Headers", request_headers);
  response.headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
}

http::Response Origins::options(const http::Request& request) const {
  if (is_foreign(request)) return http::Response(403);
  http::Response response(200);
  if (!request.header("Access-Control-Request-Method").empty())
    response.headers.emplace_back("Access-Control-Allow-Methods", methods);
  if (const std::string asked(request.header("Access-Control-Request-Headers")); !asked.empty())
    response.headers.emplace_back("Access-Control-Allow-Headers", asked);
  response.headers.emplace_back("Access-Control-Max-Age", preflight_age_s);
  return response;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
