#include "systems/rocketchat/endpoints/answers.hpp"

#include <utility>

#include "common/log.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {
// Long enough for a writer that is behind, short enough for a person who waits.
constexpr const char* retry_after_s = "5";
}  // namespace

http::Response answer(int status, const json::object& body) {
  http::Response response(status, json::serialize(body), "application/json");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("Pragma", "no-cache");
  return response;
}

http::Response success(json::object fields) {
  fields["success"] = true;
  return answer(200, fields);
}

http::Response failure() {
  json::object body;
  body["success"] = false;
  return answer(400, body);
}

http::Response failure(std::string_view error) {
  return failure(error, {}, nullptr);
}

http::Response failure(std::string_view error, std::string_view error_type, json::value details) {
  json::object body;
  body["success"] = false;
  body["error"] = error;
  if (!error_type.empty()) body["errorType"] = error_type;
  if (!details.is_null()) body["details"] = std::move(details);
  return answer(400, body);
}

http::Response meteor_failure(std::string_view code, std::string_view reason, json::value details) {
  std::string error(reason);
  if (!error.empty()) error += ' ';
  error.append("[").append(code).append("]");
  return failure(error, code, std::move(details));
}

http::Response schema_failure(std::string_view fault, Shape shape, bool in_query) {
  if (shape == Shape::typed) return failure(fault, in_query ? "error-invalid-params" : "invalid-params");
  return failure(std::string(fault) + " [invalid-params]", "invalid-params");
}

http::Response unauthorized() {
  json::object body;
  body["success"] = false;
  body["error"] = "You must be logged in to do this.";
  body["status"] = "error";
  body["message"] = "You must be logged in to do this.";
  return answer(401, body);
}

http::Response refused(conversations::Refusal refusal) {
  using conversations::Refusal;
  switch (refusal) {
    case Refusal::unknown_visitor:
      return failure("invalid-token");
    case Refusal::unknown_room:
      return failure("invalid-room");
    case Refusal::room_closed:
      return failure("room-closed");
    case Refusal::unknown_message:
      return failure("invalid-message");
    case Refusal::not_yours:
      return failure("error-action-not-allowed");
    // Rocket.Chat's sendMessage returns nothing for an id that exists, and this is what comes of it.
    case Refusal::id_taken:
      return failure("Cannot convert undefined or null to object");
    // As if deleting by the id alone did not exist.
    case Refusal::not_capable:
      return schema_failure("must have required property 'token'", Shape::plain, false);
    case Refusal::too_many_rooms:
      return failure("error-max-rooms-per-guest-reached");
    case Refusal::rooms_open:
      return meteor_failure("visitor-has-open-rooms", "Cannot remove visitors with opened rooms");
    case Refusal::no_invitation:  // this dialect has none
    case Refusal::closed_by_policy:
      return failure("error-not-allowed");
  }
  return failure();
}

http::Response broken(const Error& error) {
  json::object body;
  body["success"] = false;
  if (error.kind == ErrorKind::unavailable) {
    body["error"] = "Service Unavailable";
    http::Response response = answer(503, body);
    response.headers.emplace_back("Retry-After", retry_after_s);
    return response;
  }
  log::error("a request of the livechat API failed", {{"error", error.message}});
  body["error"] = "Internal server error";
  return answer(500, body);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
