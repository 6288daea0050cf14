#include "systems/livehelperchat/endpoints/answers.hpp"

#include <algorithm>

#include "common/log.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

// Long enough for a writer that is behind, short enough for a person who waits.
constexpr const char* retry_after_s = "5";

int status_of(Shape shape) {
  return shape == Shape::result || shape == Shape::errors ? 200 : 400;
}

// A line each.
std::string joined(const json::object& errors) {
  std::string lines;
  for (const auto& member : errors) {
    if (!lines.empty()) lines += '\n';
    if (member.value().is_string())
      lines += std::string_view(member.value().get_string());
    else
      lines += json::serialize(member.value());
  }
  return lines;
}

json::object shaped(Shape shape, std::string_view text, json::value errors) {
  json::object body;
  body["error"] = true;
  switch (shape) {
    case Shape::result:
    case Shape::result_400:
      body["result"] = text;
      break;
    case Shape::errors:
      body["result"] = json::object{{"errors", std::move(errors)}};
      break;
    case Shape::r_400:
      body["r"] = text;
      break;
    case Shape::chat_400:
      body["errors"] = std::move(errors);
      body["result"] = text;
      break;
  }
  return body;
}

json::object shaped(Shape shape, std::string_view text) {
  json::value errors = json::array();
  if (shape == Shape::errors) errors = text;
  return shaped(shape, text, std::move(errors));
}

std::string_view text_of(conversations::Refusal refusal) {
  using conversations::Refusal;
  switch (refusal) {
    case Refusal::unknown_visitor:
      return "Visitor could not be found!";
    case Refusal::unknown_room:
      return "Chat could not be found!";
    case Refusal::room_closed:
      return "You cannot send messages to this chat. Please refresh your browser.";
    case Refusal::unknown_message:
      return "Message could not be found!";
    case Refusal::not_yours:
      return "You do not have permission to edit this message!";
    case Refusal::id_taken:
      return "Message exists already!";
    case Refusal::not_capable:
      return "Message can not be removed!";
    case Refusal::too_many_rooms:
      return "You have too many chats!";
    case Refusal::rooms_open:
      return "Visitor has open chats!";
    case Refusal::no_invitation:
      return "There is no message!";
    case Refusal::closed_by_policy:
      return "This is not allowed!";
  }
  return "This is not allowed!";
}

}  // namespace

Reply done(json::value result) {
  json::object body;
  body["error"] = false;
  body["result"] = std::move(result);
  return Reply(json::value(std::move(body)));
}

Reply failed(Shape shape, std::string_view text) {
  return failed_with(status_of(shape), shape, text);
}

Reply failed(Shape shape, const json::object& errors) {
  return Reply(status_of(shape), shaped(shape, joined(errors), errors));
}

Reply failed_with(int status, Shape shape, std::string_view text) {
  return Reply(status, shaped(shape, text));
}

Reply not_permitted(Shape shape, std::string_view permission) {
  const std::size_t comma = std::min(permission.find(','), permission.size());
  std::string text = "You do not have permission. `";
  text.append(permission.substr(0, comma)).append("`, `");
  text.append(permission.substr(std::min(comma + 1, permission.size()))).append("` is required.");
  return failed(shape, text);
}

Reply refused(Shape shape, conversations::Refusal refusal) {
  return failed(shape, text_of(refusal));
}

Reply broken(Shape shape, const Error& error) {
  if (error.kind == ErrorKind::unavailable) {
    Reply reply = failed_with(503, shape, "Service Unavailable");
    reply.headers.emplace_back("Retry-After", retry_after_s);
    return reply;
  }
  log::error("a request of the REST API failed", {{"error", error.message}});
  return failed_with(500, shape, "Internal server error");
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
