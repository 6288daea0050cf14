// Numbers both ways: states of chats, kinds of messages, operators, departments; and of texts and times.
#include <algorithm>
#include <array>

#include "common/crypto.hpp"
#include "common/digits.hpp"
#include "systems/livehelperchat/endpoints/records.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

ChatStatus chat_status(const conversations::RoomView& room) {
  if (!room.open) return ChatStatus::closed;
  if (room.status == "queued") return ChatStatus::pending;
  if (room.status == "bot") return ChatStatus::bot;
  if (room.status == "chatbox") return ChatStatus::chatbox;
  if (room.status == "operators") return ChatStatus::operators;
  return ChatStatus::active;
}

std::optional<std::string> status_name(std::int64_t status) {
  constexpr std::array<std::string_view, 6> names{"queued", "active", "closed", "chatbox", "operators", "bot"};
  if (status < 0 || status >= static_cast<std::int64_t>(names.size())) return std::nullopt;
  return std::string(names[static_cast<std::size_t>(status)]);
}

std::int64_t operator_number(const std::optional<std::string>& id, const UserOf& user_of) {
  if (!id || id->empty()) return 1;
  if (const std::optional<std::int64_t> number = whole_number<std::int64_t>(*id); number && *number > 0) return *number;
  if (user_of)
    if (const std::optional<std::int64_t> number = user_of(*id); number && *number > 0) return *number;
  const std::array<std::string_view, 2> parts{"operator", *id};
  // Above the numbers that people give, within what a client's 32 bits hold.
  return static_cast<std::int64_t>(0x40000000 | (hash128(parts).high & 0x3fffffff));
}

std::int64_t user_id_of(const conversations::MessageView& message, const UserOf& user_of) {
  if (message.from_visitor) return visitor_kind;
  const std::string role = message.author.role.value_or("system");
  if (role == "bot") return bot_kind;
  if (role != "agent") return system_kind;
  return operator_number(message.author.id, user_of);
}

Author author_of(std::int64_t user_id, std::string_view name) {
  Author author;
  if (!name.empty()) author.name = std::string(name);
  author.role = user_id > 0 ? "agent" : user_id == visitor_kind ? "visitor" : user_id == bot_kind ? "bot" : "system";
  if (user_id > 0) author.id = std::to_string(user_id);
  return author;
}

bool is_for_visitors(const conversations::MessageView& message) {
  if (message.audience != "all") return false;
  return message.from_visitor || message.author.role == "agent" || message.author.role == "bot";
}

std::int64_t department_number(const std::optional<std::string>& department) {
  return department ? whole_number<std::int64_t>(*department).value_or(0) : 0;
}

std::int64_t message_number(const conversations::MessageView& message) {
  return to_ms(message.sent_at);
}

std::size_t character_count(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::int64_t seconds(WallTime at) {
  return to_ms(at) / 1000;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
