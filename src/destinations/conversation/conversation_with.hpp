// ConversationWith: what a rule's `with` says to a chat of ours, read and checked. What rules render is data: any value
// may be of any type, and what is wrong is said in words for whoever wrote the rule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/error.hpp"
#include "event/event.hpp"

namespace chatrelay::destinations::conversation {

inline constexpr std::size_t message_units_max = 10'000;  // Limit: UTF-16 units of one message; longer texts are split
inline constexpr std::size_t message_parts_max = 20;      // Limit: messages made of one text
inline constexpr std::size_t invitation_units_max = 2'000;  // Limit: of an invitation, which is one message

struct MessageWith {
  std::string chat;
  std::vector<std::string> parts;  // of the text, in order; at least one
  Author author;
  std::string username;
};
struct AssignWith {
  std::string chat;
  Agent agent;
  std::string username;
};
// For a visitor who has no chat: waits until the visitor's page asks.
struct InviteWith {
  std::string visitor;
  std::string text;
  Author author;
};
struct CloseWith {
  std::string chat, comment;
};

// `bot_name`: who speaks when the rule does not say. Errors: invalid.
Result<MessageWith> read_message(const json::value& with, const std::string& bot_name);
Result<AssignWith> read_assign(const json::value& with);
Result<InviteWith> read_invite(const json::value& with, const std::string& bot_name);
Result<CloseWith> read_close(const json::value& with);

}  // namespace chatrelay::destinations::conversation
