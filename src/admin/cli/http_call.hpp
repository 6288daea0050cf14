// A small blocking HTTP client for the command line: one request, one answer, every wait bounded. Beast, not libcurl:
// the commands talk to the daemon on the same machine and to nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay::admin::cli {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;  // the certificate is verified unless the host is a loopback address
  std::string to_string() const;
};

struct HttpCall {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Millis connect_timeout{5'000};
  Millis timeout{60'000};  // for the answer; of a stream, for each piece of it
};

struct HttpAnswer {
  int status = 0;
  std::string body;  // Limit: 64 MiB
};

// Errors: unavailable (no connection, with the reason), internal (not HTTP, or cut off).
Result<HttpAnswer> http_call(const Endpoint& endpoint, const HttpCall& call);

// For answers without an end: `piece` gets what arrives and says whether to go on. An answer other than 200 is returned
// whole.
Result<HttpAnswer> http_stream(const Endpoint& endpoint, const HttpCall& call,
                               const std::function<bool(std::string_view)>& piece);

// "http://host:port/path" or "host:port". `rest` gets the path with the query, "" if none. Errors: invalid.
Result<Endpoint> parse_endpoint(std::string_view url, std::string& rest);

}  // namespace chatrelay::admin::cli
