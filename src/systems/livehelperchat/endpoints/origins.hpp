// Origins: which websites' scripts may call (CORS, WHATWG Fetch §3.2), with the headers that Live Helper Chat sets.
// Browsers ask and obey; whoever sends no Origin is no browser on a foreign site and is not judged here. Pure.
//
// Without `origins`, or with "*" among them, everybody's scripts may, as in Live Helper Chat. JSONP is not bound by any
// of this: a script element asks nobody.
#pragma once

#include <string>
#include <vector>

#include "http/server.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

class Origins {
 public:
  explicit Origins(const std::vector<std::string>& origins);

  // A script of a site that may not call. Our own host always may.
  bool is_foreign(const http::Request& request) const;
  // To every answer.
  void add_headers(const http::Request& request, http::Response& response) const;
  // What OPTIONS asks for, without those headers: 200 without a body; 403 for a foreign script.
  http::Response options(const http::Request& request) const;

 private:
  std::vector<std::string> origins_;  // in lower case
  bool anybody_ = false;
};

}  // namespace chatrelay::systems::livehelperchat::endpoints
