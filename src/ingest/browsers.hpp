// Browsers: what POST /hooks/<source> adds for a source that scripts on websites send to (systems::BrowserRules): the
// headers by which a browser lets the script read the answer, the answer to its preflight, and a rate for each address.
// Whether a website may send at all is the source's own verdict. Pure but for the limiter's table.
#pragma once

#include <string_view>

#include "http/request_limiter.hpp"
#include "http/server.hpp"
#include "systems/source.hpp"

namespace chatrelay::ingest {

bool is_preflight(const http::Request& request);
// 204 with what is allowed, or 403. Without the headers of add_cross_origin.
http::Response preflight(const systems::BrowserRules& rules, const http::Request& request);
// Vary, and Access-Control-Allow-Origin where the website is a configured one. Never for credentials.
void add_cross_origin(const systems::BrowserRules& rules, const http::Request& request, http::Response& response);

// Of IPv6, a network of 64 bits is an address. Thread: one.
class BrowserLimits {
 public:
  http::RequestLimiter::Verdict take(std::string_view source, const systems::BrowserRules& rules,
                                     std::string_view remote, WallTime now);

 private:
  http::RequestLimiter limiter_;
};

}  // namespace chatrelay::ingest
