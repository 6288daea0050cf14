// AdminClient: how a command talks to the running daemon. It finds the admin port (--admin, CHATRELAY_ADMIN, the
// configuration), sends the admin token, and turns every refusal into a sentence that says what was tried and what to
// do.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "admin/cli/http_call.hpp"
#include "admin/cli/shell.hpp"

namespace chatrelay::admin::cli {

// Query parameters; those with an empty value are left out.
using Query = std::vector<std::pair<std::string, std::string>>;

class AdminClient {
 public:
  explicit AdminClient(Shell& shell);  // throws Failure when no admin address can be found

  // All throw Failure: 69 the daemon does not answer, 77 it wants a token, 65 and 74 and so on for what it said.
  boost::json::value get(const std::string& path, const Query& query = {});
  boost::json::value post(const std::string& path, const boost::json::object& body, Millis timeout = Millis{60'000});
  // One call for each JSON value of a stream, until `each` says false or the daemon ends it.
  void follow(const std::string& path, const Query& query, const std::function<bool(const boost::json::value&)>& each);

 private:
  HttpCall call_of(const std::string& method, const std::string& path, const Query& query) const;
  boost::json::value checked(const Result<HttpAnswer>& answer) const;
  [[noreturn]] void fail(const Error& error) const;

  Endpoint endpoint_;
  std::string token_;
  std::string how_found_;  // for sentences: "listen.admin of /etc/…"
  std::string config_file_;
  bool config_has_problems_ = false;
};

// A segment of an API path.
std::string segment(std::string_view text);

}  // namespace chatrelay::admin::cli
