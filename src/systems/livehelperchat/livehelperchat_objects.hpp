// The things of Live Helper Chat that webhooks bring: chat, visitor, operator and message in its own members (nick,
// dep_id, user_id, msg, …), or in the event's. Numbers may be written as strings; what is missing or strange is
// unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/json.hpp"
#include "event/event.hpp"

namespace chatrelay::systems::livehelperchat {

// Who wrote a message that does not say so itself. `unsure`: an operator, a bot, the system, or one operator to
// another; Invariant: what cannot be told from a whisper is for agents.
enum class Speaker { visitor, unsure };

// 0 queued, 1 active, 2 closed, 3 chatbox, 4 operators, 5 bot; nullptr: no state of a chat.
const char* status_word(std::int64_t status);
std::optional<std::string> status_of(const json::value& chat);

// Epoch seconds or milliseconds, or RFC 3339; 0 is never.
std::optional<WallTime> time_of(const json::value& value);
std::optional<WallTime> time_of(const json::value& object, std::string_view key);

// An object, or the id alone. nullopt: there is no chat. One that Live Helper Chat made up for an event without a chat
// has the id -1.
bool is_made_up(const json::value& chat);
std::optional<Chat> read_chat(const json::value& value);
// An object, or the id alone. nullopt: nobody is described.
std::optional<Visitor> read_visitor(const json::value& value);
// A chat has the visitor's members; its `id` is not the visitor's.
std::optional<Visitor> read_visitor_of_chat(const json::value& chat);
std::optional<Agent> read_agent(const json::value& value);
// An object, or the text alone. nullopt: there is no message.
std::optional<Message> read_message(const json::value& value, Speaker speaker);

}  // namespace chatrelay::systems::livehelperchat
