// The code grant on the operator's API: what `chatrelay destinations authorize` asks for. State, verifier and tokens
// stay with the destination; an address goes out, a code comes in.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>

#include "admin/api/fields.hpp"
#include "admin/context.hpp"
#include "http/server.hpp"

namespace chatrelay::admin::api {

// POST /api/destinations/{name}/authorize: `redirect_uri`. Answer: {name, address, state}.
http::Response authorization_begun(Context& context, const std::string& name, Fields& fields);

// POST /api/destinations/{name}/authorize/finish: `state`, `code`. Answer: {name, authorized, scope, expires_in,
// resumed}. What was disabled goes on (a paused one does not). A code that the service refuses is 409: 401 is about our
// own token.
boost::asio::awaitable<http::Response> authorization_finished(Context& context, std::string name, Fields& fields);

}  // namespace chatrelay::admin::api
