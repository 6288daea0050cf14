// What `chatrelay sink` shows of a request. Pure, so that hostile requests are tested without a socket.
#pragma once

#include <string>

#include "common/clock.hpp"
#include "http/server.hpp"

namespace chatrelay::admin::cli {

// "good", or what is wrong with the Standard Webhooks signature of the request.
std::string signature_verdict(const http::Request& request, const std::string& secret, WallTime now);

// Method, path, headers of interest, body; several lines, nothing in them is a control character. Secrets in
// Authorization are left out. `secret` empty: the signature is not looked at.
std::string describe_request(const http::Request& request, const std::string& secret, WallTime now);

}  // namespace chatrelay::admin::cli
