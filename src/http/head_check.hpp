// What a request's head must keep to before its body is read. Pure: the rules of RFC 9112 that Beast leaves to its
// user.
#pragma once

#include <optional>
#include <string_view>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/server.hpp"

namespace chatrelay::http {

using Head = beast::http::request_header<beast::http::fields>;

struct HeadVerdict {
  int status = 0;  // 0: go on
  std::string_view why;
  bool wants_continue = false;
  bool chunked = false;
};

HeadVerdict check_head(const Head& head, const ServerLimits& limits, const std::vector<std::string>& hosts_allowed);

// The host of a Host header, without port and brackets.
std::string_view host_name(std::string_view host);

// The status for what Beast's parser did not take, and why in words for the sender.
HeadVerdict verdict_of(const boost::system::error_code& ec);

}  // namespace chatrelay::http
