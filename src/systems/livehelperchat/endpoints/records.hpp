// Records: our visitors, rooms and messages in the shape in which Live Helper Chat shows them, and its numbers both
// ways: kinds of messages, states of chats, operators, departments. Pure; a file for each of its parts.
// Invariant: what is shown to a visitor has no system messages and no whispers in it (is_for_visitors).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "conversations/rooms.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace json = boost::json;

// The number of an operator by name, e-mail or the id that another system has for them.
using UserOf = std::function<std::optional<std::int64_t>(std::string_view)>;

// ---- numbers

enum class ChatStatus { pending = 0, active = 1, closed = 2, chatbox = 3, operators = 4, bot = 5 };
ChatStatus chat_status(const conversations::RoomView& room);
// What an open room's status is called in events; "closed" for 2; nullopt for numbers that are none.
std::optional<std::string> status_name(std::int64_t status);

inline constexpr std::int64_t visitor_kind = 0, system_kind = -1, bot_kind = -2;  // of a message's user_id
// Who wrote a message, as its user_id; an operator of whom nobody knows the number gets one of its own, that stays.
std::int64_t user_id_of(const conversations::MessageView& message, const UserOf& user_of);
std::int64_t operator_number(const std::optional<std::string>& id, const UserOf& user_of);  // > 0
// The reverse.
Author author_of(std::int64_t user_id, std::string_view name);
bool is_for_visitors(const conversations::MessageView& message);
// {"content":{"whisper":true}}: a client may say so of an operator's message in this way alone.
bool is_whisper(std::string_view meta_msg);
inline constexpr std::size_t meta_bytes_max = 8 << 10;  // Limit: of meta_msg

std::int64_t department_number(const std::optional<std::string>& department);  // 0: none
// Unique within a room and rising: what `last_message_id` goes by.
std::int64_t message_number(const conversations::MessageView& message);

// ---- columns of a chat that clients may set and nobody else looks at

// Those of `said` that there are, in the type that each has; null where said is null, which removes one.
json::object chat_columns(const json::object& said);
// startchat's and updatechatattributes' {"key":{"val":"…","enc":true}}, or a list of {"key","value","h"}: as the column
// additional_data, on top of what is there. nullopt: neither of the two.
std::optional<std::string> additional_data(const json::value& said, std::string_view there);
// The same as name and value, for a visitor's custom fields. Limit: 100.
std::vector<std::pair<std::string, std::string>> attributes_of(const json::value& said);

// ---- shapes

enum class ChatShape { record, state };  // chat, chats, fetchchat; startchat
// With the chat's hash: for accounts, and for who began the chat.
json::object chat_record(const conversations::RoomView& room, const conversations::VisitorView& visitor,
                         const UserOf& user_of, ChatShape shape);
json::object message_record(const conversations::MessageView& message, store::OwnPk chat, const UserOf& user_of);
// In the order, and with the text chat_id, of the answers to addmsguser and addmsgadmin.
json::object posted_record(const conversations::MessageView& message, json::value chat, const UserOf& user_of);

// ---- texts

std::size_t character_count(std::string_view utf8);  // code points
std::int64_t seconds(WallTime at);

}  // namespace chatrelay::systems::livehelperchat::endpoints
