#include "destinations/conversation/conversation_with.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "common/text.hpp"
#include "destinations/conversation/text_parts.hpp"

namespace chatrelay::destinations::conversation {

namespace {

constexpr std::size_t short_bytes_max = 300;  // Limit: of a name, an id, an address

const json::value* member(const json::value& object, std::string_view key) {
  const json::object* members = object.if_object();
  const json::value* value = members ? members->if_contains(key) : nullptr;
  return value && !value->is_null() ? value : nullptr;
}

// A text, or a scalar as text. nullopt: not there, or null.
Result<std::optional<std::string>> text_of(const json::value& object, std::string_view key) {
  const json::value* value = member(object, key);
  if (value == nullptr) return std::optional<std::string>();
  if (value->is_object() || value->is_array()) return invalid(std::string(key) + " must be text");
  if (value->is_string()) return std::optional(repair_utf8(std::string_view(value->get_string())));
  return std::optional(json::serialize(*value));
}

// One line of bounded length; empty counts as not there.
Result<std::optional<std::string>> short_text(const json::value& object, std::string_view key) {
  Result<std::optional<std::string>> text = text_of(object, key);
  if (!text || !*text) return text;
  const std::string trimmed(trim(**text));
  if (trimmed.empty()) return std::optional<std::string>();
  if (trimmed.size() > short_bytes_max)
    return invalid(std::string(key) + " is longer than " + std::to_string(short_bytes_max) + " bytes");
  if (std::ranges::any_of(trimmed, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return invalid(std::string(key) + " must be one line");
  return std::optional(trimmed);
}

Result<std::string> chat_of(const json::value& with) {
  Result<std::optional<std::string>> chat = short_text(with, "chat");
  if (!chat) return chat.error();
  if (!*chat) return invalid("chat has no value: it is the id of one of our own chats");
  return std::move(**chat);
}

Result<void> only(const json::value& object, std::string_view what, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return invalid(std::string(what) + " must be an object");
  for (const auto& each : object.get_object())
    if (std::ranges::find(known, std::string_view(each.key())) == known.end())
      return invalid(std::string(what) + " takes no \"" + printable(each.key(), 60) + "\"");
  return {};
}

// Short members of an object, read in one go: the first that is wrong is told.
struct Members {
  explicit Members(const json::value& o) : object(o) {}
  std::optional<std::string> operator()(std::string_view key) {
    Result<std::optional<std::string>> text = short_text(object, key);
    if (text) return std::move(*text);
    if (!error) error = text.error();
    return std::nullopt;
  }
  const json::value& object;
  std::optional<Error> error;
};

Result<void> read_author(const json::value& with, const std::string& bot_name, Author& author, std::string& username) {
  author.role = "bot";
  author.name = bot_name;
  username = bot_name;
  const json::value* said = member(with, "author");
  if (said == nullptr) return {};
  if (Result<void> known = only(*said, "author", {"id", "name", "username", "role"}); !known) return known;
  Members read(*said);
  author.id = read("id");
  if (auto name = read("name")) author.name = std::move(name);
  if (auto role = read("role")) author.role = std::move(role);
  const std::optional<std::string> given = read("username");
  if (read.error) return Error(read.error->kind, "author: " + read.error->message);
  username = given ? *given : *author.name;
  const std::string& role = *author.role;
  if (role == "visitor") return invalid("author: a visitor is not spoken for; role must be agent, bot or system");
  if (role != "agent" && role != "bot" && role != "system")
    return invalid("author: role is \"" + printable(role, 60) + "\"; it must be agent, bot or system");
  return {};
}

// Invariant 10: text for agents only never goes to a visitor.
Result<void> check_audience(const json::value& with) {
  Members read(with);
  const std::string audience = read("audience").value_or("");
  if (read.error) return *read.error;
  if (audience == "agents") return invalid("the message is for agents only: it is not shown to a visitor");
  const bool is_said = with.is_object() && with.get_object().contains("audience");
  if (audience != "all" && is_said)
    return invalid("audience is \"" + printable(audience, 60) + "\"; it must be all or agents");
  return {};
}

}  // namespace

Result<MessageWith> read_message(const json::value& with, const std::string& bot_name) {
  if (Result<void> heard = check_audience(with); !heard) return heard.error();
  MessageWith message;
  Result<std::string> chat = chat_of(with);
  if (!chat) return chat.error();
  message.chat = std::move(*chat);
  if (Result<void> author = read_author(with, bot_name, message.author, message.username); !author)
    return author.error();
  const Result<std::optional<std::string>> text = text_of(with, "text");
  if (!text) return text.error();
  message.parts = text_parts(text->value_or(std::string()), message_units_max);
  if (message.parts.empty()) return invalid("text is empty: there is nothing to say");
  if (message.parts.size() > message_parts_max)
    return invalid("text is longer than " + std::to_string(message_parts_max) + " messages");
  return message;
}

Result<AssignWith> read_assign(const json::value& with) {
  AssignWith assign;
  Result<std::string> chat = chat_of(with);
  if (!chat) return chat.error();
  assign.chat = std::move(*chat);
  const json::value* agent = member(with, "agent");
  if (agent == nullptr) return invalid("agent has no value");
  if (Result<void> known = only(*agent, "agent", {"id", "name", "username", "email"}); !known) return known.error();
  Members read(*agent);
  assign.agent.id = read("id");
  assign.agent.name = read("name");
  assign.agent.email = read("email");
  const std::optional<std::string> username = read("username");
  if (read.error) return Error(read.error->kind, "agent: " + read.error->message);
  if (!assign.agent.id) assign.agent.id = username;
  if (!assign.agent.id) return invalid("agent needs an id");
  assign.username = username.value_or(*assign.agent.id);
  return assign;
}

Result<InviteWith> read_invite(const json::value& with, const std::string& bot_name) {
  if (Result<void> heard = check_audience(with); !heard) return heard.error();
  InviteWith invite;
  Result<std::optional<std::string>> visitor = short_text(with, "visitor");
  if (!visitor) return visitor.error();
  if (!*visitor) return invalid("visitor has no value: it is the id of a visitor of ours");
  invite.visitor = std::move(**visitor);
  std::string username;
  if (Result<void> known = read_author(with, bot_name, invite.author, username); !known) return known.error();
  const Result<std::optional<std::string>> text = text_of(with, "text");
  if (!text) return text.error();
  auto parts = text_parts(text->value_or(std::string()), invitation_units_max);
  if (parts.empty()) return invalid("text is empty: there is nothing to say");
  if (parts.size() > 1) return invalid("text is longer than " + std::to_string(invitation_units_max) + " characters");
  invite.text = std::move(parts.front());
  return invite;
}

Result<CloseWith> read_close(const json::value& with) {
  CloseWith close;
  Result<std::string> chat = chat_of(with);
  if (!chat) return chat.error();
  close.chat = std::move(*chat);
  const Result<std::optional<std::string>> comment = text_of(with, "comment");
  if (!comment) return comment.error();
  const auto parts = text_parts(comment->value_or(std::string()), message_units_max);
  if (parts.size() > 1) return invalid("comment is longer than " + std::to_string(message_units_max) + " characters");
  if (!parts.empty()) close.comment = parts.front();
  return close;
}

}  // namespace chatrelay::destinations::conversation
