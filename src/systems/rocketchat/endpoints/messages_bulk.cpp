// messages: several messages of a visitor at once, brought by an operator.
#include <utility>

#include "common/text.hpp"
#include "systems/rocketchat/endpoints/api.hpp"
#include "systems/rocketchat/endpoints/message_schemas.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

http::Response told(const conversations::PostedMany& posted) {
  json::array messages;
  for (const conversations::MessageView& each : posted.messages) {
    json::object message;
    message["username"] = posted.visitor.username;
    message["msg"] = each.text;
    message["ts"] = format_rfc3339(each.sent_at);
    messages.push_back(std::move(message));
  }
  json::object fields;
  fields["messages"] = std::move(messages);
  return success(std::move(fields));
}

awaitable<http::Response> post_many(Api& api, Ask& ask) {
  const json::object& input = ask.input.get_object();
  conversations::PostMany command;
  command.call = api.call(ask);
  command.token = input.at("visitor").at("token").as_string();
  if (trim(command.token).empty()) co_return failure("invalid-token");
  for (const json::value& each : input.at("messages").as_array()) {
    command.texts.emplace_back(each.at("msg").as_string());
    if (api.is_too_long(command.texts.back())) co_return failure("message-length-exceeds-character-limit");
    command.new_ids.push_back(new_id());
  }
  command.new_visitor_id = new_id();
  command.new_room_id = new_id();
  command.new_message_id = new_id();
  command.rooms_max = static_cast<std::size_t>(api.serving().rooms_per_visitor);
  auto pending = api.run(std::move(command), &conversations::post_many);
  const auto posted = co_await std::move(pending);
  if (!posted) co_return broken(posted.error());
  if (!*posted) co_return refused(posted->refusal);
  api.ring(posted->value->room.id);
  co_return told(*posted->value);
}

}  // namespace

std::vector<Route> bulk_routes() {
  Route route{"POST", "messages", &post_many, Limit::standard, &bulk_schema()};
  route.operators_only = true;
  return {route};
}

}  // namespace chatrelay::systems::rocketchat::endpoints
