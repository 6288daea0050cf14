// Records: our visitors, rooms and messages in the shape in which Rocket.Chat shows them. Pure.
// Invariant: a visitor's token is in what that visitor is told, and nowhere else.
#pragma once

#include <string_view>

#include <boost/json.hpp>

#include "conversations/rooms.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace json = boost::json;

// `token`: of the visitor who is told, put on the messages that a visitor wrote; empty: on none.
json::object message_record(const conversations::MessageView& message, std::string_view token);
json::object visitor_record(const conversations::VisitorView& visitor);
// `with_token`: the visitor itself is told.
json::object room_record(const conversations::RoomView& room, const conversations::VisitorView& visitor,
                         bool with_token = true);
// {_id, username, name?, emails?}
json::object agent_record(const Agent& agent, const std::optional<std::string>& username);

// Text length as JavaScript counts it: UTF-16 units.
std::size_t utf16_length(std::string_view text);

}  // namespace chatrelay::systems::rocketchat::endpoints
