// Answers: Rocket.Chat's envelope, byte for byte where its clients look: success and errors, their order and headers.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "common/error.hpp"
#include "conversations/rooms.hpp"
#include "http/server.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace json = boost::json;

// How a route words a body or query that does not fit its schema.
enum class Shape {
  plain,  // "… [invalid-params]", errorType invalid-params
  typed,  // newer routes (config, offline.message): the text alone; errorType error-invalid-params for a query
};

// Any body: Content-Type application/json without a charset, Cache-Control: no-store, Pragma: no-cache.
http::Response answer(int status, const json::object& body);
// 200, `fields` and then success: true.
http::Response success(json::object fields);
// 400 {"success":false}
http::Response failure();
// 400 {"success":false,"error":error}
http::Response failure(std::string_view error);
// with errorType, and details unless they are null
http::Response failure(std::string_view error, std::string_view error_type, json::value details = nullptr);
// Meteor.Error(code, reason): error "reason [code]" (without a reason "[code]"), errorType code.
http::Response meteor_failure(std::string_view code, std::string_view reason = {}, json::value details = nullptr);
// What check() of a schema said.
http::Response schema_failure(std::string_view fault, Shape shape, bool in_query);
http::Response unauthorized();  // 401, for who is no operator
http::Response refused(conversations::Refusal refusal);
// The store did not do it: 503 with Retry-After when it may later, else 500. Logs what is not "later".
http::Response broken(const Error& error);

}  // namespace chatrelay::systems::rocketchat::endpoints
