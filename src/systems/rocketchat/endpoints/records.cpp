#include "systems/rocketchat/endpoints/records.hpp"

#include <utility>

#include "common/clock.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

json::object wrapped(std::string_view key, const std::string& value) {
  json::object object;
  object[key] = value;
  return object;
}

json::array list_of(json::object element) {
  json::array list;
  list.push_back(std::move(element));
  return list;
}

}  // namespace

json::object message_record(const conversations::MessageView& message, std::string_view token) {
  json::object record;
  record["_id"] = message.id;
  record["rid"] = message.room_id;
  record["msg"] = message.text;
  if (!message.system_type.empty()) record["t"] = message.system_type;
  // How clients tell a visitor's message from an agent's.
  if (message.from_visitor && !token.empty()) record["token"] = token;
  const std::string name = message.author.name.value_or("");
  if (!name.empty()) record["alias"] = name;
  record["ts"] = format_rfc3339(message.sent_at);
  json::object user;
  user["_id"] = message.author.id.value_or("");
  user["username"] = message.author_username;
  if (!name.empty()) user["name"] = name;
  record["u"] = std::move(user);
  record["_updatedAt"] = format_rfc3339(message.updated_at);
  // Clients iterate over these; we look for nothing in the text.
  for (const char* key : {"urls", "mentions", "channels"}) record[key] = json::array();
  if (message.edited_at) {
    record["editedAt"] = format_rfc3339(*message.edited_at);
    json::object editor;
    editor["_id"] = message.edited_by_id;
    editor["username"] = message.edited_by_username;
    record["editedBy"] = std::move(editor);
  }
  return record;
}

json::object visitor_record(const conversations::VisitorView& visitor) {
  json::object record;
  record["_id"] = visitor.id;
  record["token"] = visitor.token;
  record["username"] = visitor.username;
  if (visitor.name) record["name"] = *visitor.name;
  record["status"] = visitor.status.value_or("online");
  record["ts"] = format_rfc3339(visitor.created_at);
  if (visitor.phone) record["phone"] = list_of(wrapped("phoneNumber", *visitor.phone));
  if (visitor.email) record["visitorEmails"] = list_of(wrapped("address", *visitor.email));
  if (visitor.department) record["department"] = *visitor.department;
  if (!visitor.custom.empty()) record["livechatData"] = visitor.custom;
  record["_updatedAt"] = format_rfc3339(visitor.updated_at);
  return record;
}

json::object agent_record(const Agent& agent, const std::optional<std::string>& username) {
  json::object record;
  record["_id"] = agent.id.value_or("");
  record["username"] = username.value_or(agent.name.value_or(""));
  if (agent.name) record["name"] = *agent.name;
  if (agent.email) record["emails"] = list_of(wrapped("address", *agent.email));
  return record;
}

json::object room_record(const conversations::RoomView& room, const conversations::VisitorView& visitor,
                         bool with_token) {
  json::object record;
  record["_id"] = room.id;
  record["t"] = "l";
  if (room.open) record["open"] = true;  // a closed room has no such member
  record["ts"] = format_rfc3339(room.created_at);
  record["lm"] = format_rfc3339(room.last_at);
  record["msgs"] = room.messages;
  record["fname"] = visitor.name.value_or(visitor.username);
  json::object who;
  who["_id"] = visitor.id;
  who["username"] = visitor.username;
  if (with_token) who["token"] = visitor.token;
  who["status"] = visitor.status.value_or("online");
  record["v"] = std::move(who);
  record["source"] = wrapped("type", room.origin);
  record["cl"] = false;
  record["waitingResponse"] = room.waiting_response;
  if (room.agent) {
    json::object agent = agent_record(*room.agent, room.agent_username);
    agent.erase("emails");
    record["servedBy"] = std::move(agent);
  }
  if (room.department) record["departmentId"] = *room.department;
  if (!room.custom.empty()) record["livechatData"] = room.custom;
  if (!room.tags.empty()) {
    json::array tags;
    for (const std::string& tag : room.tags) tags.emplace_back(tag);
    record["tags"] = std::move(tags);
  }
  if (room.closed_at) {
    record["closedAt"] = format_rfc3339(*room.closed_at);
    record["closer"] = room.closed_by == "visitor" ? "visitor" : "user";
  }
  return record;
}

std::size_t utf16_length(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;
    units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
