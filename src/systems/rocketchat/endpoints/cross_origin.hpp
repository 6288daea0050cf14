// CrossOrigin: which websites' scripts may call (CORS, WHATWG Fetch §3.2). Browsers ask and obey; whoever sends no
// Origin is no browser on a foreign site and is not judged here. Pure.
//
// Our own host is always welcome. With "*" everybody is, without credentials.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/server.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

class CrossOrigin {
 public:
  explicit CrossOrigin(const std::vector<std::string>& origins);

  enum class Verdict { none, welcome, foreign };  // none: no Origin, or our own
  Verdict judge(const http::Request& request) const;

  static bool is_preflight(const http::Request& request);
  // For a request that was judged `verdict`.
  http::Response preflight(const http::Request& request, Verdict verdict) const;
  void add_headers(const http::Request& request, Verdict verdict, http::Response& response) const;

 private:
  std::vector<std::string> origins_;  // in lower case
  bool anybody_ = false;
};

}  // namespace chatrelay::systems::rocketchat::endpoints
