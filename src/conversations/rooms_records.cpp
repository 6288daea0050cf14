#include "conversations/rooms_records.hpp"

#include <utility>

#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay::conversations {

namespace {

std::optional<std::string> text_in(const json::object& record, std::string_view key) {
  const json::value* member = record.if_contains(key);
  if (!member || !member->is_string()) return std::nullopt;
  return std::string(member->get_string());
}

std::optional<WallTime> time_in(const json::object& record, std::string_view key) {
  const json::value* member = record.if_contains(key);
  if (!member || !member->is_int64()) return std::nullopt;
  return from_ms(member->get_int64());
}

bool flag_in(const json::object& record, std::string_view key) {
  const json::value* member = record.if_contains(key);
  return member && member->is_bool() && member->get_bool();
}

json::object object_in(const json::object& record, std::string_view key) {
  const json::value* member = record.if_contains(key);
  return member && member->is_object() ? member->get_object() : json::object{};
}

std::vector<std::string> texts_in(const json::object& record, std::string_view key) {
  std::vector<std::string> out;
  const json::value* member = record.if_contains(key);
  if (!member || !member->is_array()) return out;
  for (const json::value& entry : member->get_array())
    if (entry.is_string()) out.emplace_back(entry.get_string());
  return out;
}

void put(json::object& record, std::string_view key, const std::optional<std::string>& text) {
  if (text) record.emplace(key, *text);
}
void put(json::object& record, std::string_view key, const std::string& text) {
  if (!text.empty()) record.emplace(key, text);
}
void put(json::object& record, std::string_view key, const json::object& object) {
  if (!object.empty()) record.emplace(key, object);
}
void put(json::object& record, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  record.emplace(key, std::move(list));
}

json::object record_of(const Agent& agent, const std::optional<std::string>& username) {
  json::object record;
  put(record, "id", agent.id);
  put(record, "name", agent.name);
  put(record, "email", agent.email);
  put(record, "username", username);
  return record;
}

}  // namespace

// --- limits

std::string kept(std::string_view text, std::size_t bytes_max) {
  if (is_valid_utf8(text)) return std::string(truncate_utf8(text, bytes_max));
  // Repaired, a byte becomes three at most; what is cut off anyway need not be.
  const std::string repaired = repair_utf8(text.substr(0, bytes_max));
  return std::string(truncate_utf8(repaired, bytes_max));
}

std::optional<std::string> kept_if(const std::optional<std::string>& text, std::size_t bytes_max) {
  if (!text) return std::nullopt;
  return kept(*text, bytes_max);
}

bool is_shallow(const json::value& value, int depth_max) {
  if (value.is_array()) {
    for (const json::value& entry : value.get_array())
      if (depth_max <= 0 || !is_shallow(entry, depth_max - 1)) return false;
  } else if (value.is_object()) {
    for (const auto& member : value.get_object())
      if (depth_max <= 0 || !is_shallow(member.value(), depth_max - 1)) return false;
  }
  return true;
}

std::optional<json::value> kept_custom(const json::value& value) {
  if (!is_shallow(value, custom_depth_max)) return std::nullopt;
  const std::string text = json::serialize(value);
  if (is_valid_utf8(text)) return value;
  Result<json::value> repaired = parse_json(text);
  if (!repaired) return std::nullopt;
  return std::move(*repaired);
}

// --- records

std::string guest_name(store::OwnPk visitor) {
  return "guest-" + std::to_string(visitor);
}

VisitorView view(const store::OwnVisitor& visitor) {
  const json::object& record = visitor.record;
  VisitorView out;
  out.pk = visitor.pk;
  out.id = visitor.id;
  out.token = visitor.token;
  out.username = text_in(record, "username").value_or(guest_name(visitor.pk));
  out.name = text_in(record, "name");
  out.email = text_in(record, "email");
  out.phone = text_in(record, "phone");
  out.department = text_in(record, "department");
  out.status = text_in(record, "status");
  out.custom = object_in(record, "custom");
  out.ip = text_in(record, "ip");
  out.user_agent = text_in(record, "user_agent");
  out.timezone = text_in(record, "timezone");
  out.hidden = object_in(record, "hidden");
  out.created_at = visitor.created_at;
  out.updated_at = visitor.updated_at;
  return out;
}

store::OwnVisitor stored(const VisitorView& visitor, const std::string& source) {
  store::OwnVisitor out;
  out.pk = visitor.pk;
  out.source = source;
  out.id = visitor.id;
  out.token = visitor.token;
  if (visitor.username != guest_name(visitor.pk)) put(out.record, "username", visitor.username);
  put(out.record, "name", visitor.name);
  put(out.record, "email", visitor.email);
  put(out.record, "phone", visitor.phone);
  put(out.record, "department", visitor.department);
  put(out.record, "status", visitor.status);
  put(out.record, "custom", visitor.custom);
  put(out.record, "ip", visitor.ip);
  put(out.record, "user_agent", visitor.user_agent);
  put(out.record, "timezone", visitor.timezone);
  put(out.record, "hidden", visitor.hidden);
  out.created_at = visitor.created_at;
  out.updated_at = visitor.updated_at;
  return out;
}

RoomView view(const store::OwnRoom& room) {
  const json::object& record = room.record;
  RoomView out;
  out.pk = room.pk;
  out.id = room.id;
  out.visitor = room.visitor;
  out.open = room.open;
  out.status = text_in(record, "status").value_or("active");
  out.initiator = text_in(record, "initiator").value_or("client");
  out.key = text_in(record, "key").value_or("");
  out.hidden = object_in(record, "hidden");
  out.origin = text_in(record, "origin").value_or("api");
  if (const json::object agent = object_in(record, "agent"); !agent.empty()) {
    out.agent = Agent{text_in(agent, "id"), text_in(agent, "name"), text_in(agent, "email")};
    out.agent_username = text_in(agent, "username");
  }
  out.department = text_in(record, "department");
  out.custom = object_in(record, "custom");
  out.closed_by = text_in(record, "closed_by").value_or("");
  out.waiting_response = !flag_in(record, "answered");
  out.answered_at = time_in(record, "answered_at");
  out.tags = texts_in(record, "tags");
  out.created_at = room.created_at;
  out.last_at = room.last_at;
  out.closed_at = room.closed_at;
  out.messages = room.messages;
  return out;
}

RoomState room_state(const store::OwnRoom& room) {
  return RoomState{view(room), object_in(room.record, "survey"), texts_in(room.record, "deleted_ids")};
}

store::OwnRoom stored(const RoomState& room, const std::string& source) {
  const RoomView& known = room.view;
  store::OwnRoom out;
  out.pk = known.pk;
  out.source = source;
  out.id = known.id;
  out.visitor = known.visitor;
  out.open = known.open;
  if (known.status != "active") put(out.record, "status", known.status);
  if (known.initiator != "client") put(out.record, "initiator", known.initiator);
  put(out.record, "key", known.key);
  put(out.record, "hidden", known.hidden);
  put(out.record, "origin", known.origin);
  if (known.agent) put(out.record, "agent", record_of(*known.agent, known.agent_username));
  put(out.record, "department", known.department);
  put(out.record, "custom", known.custom);
  put(out.record, "closed_by", known.closed_by);
  if (!known.waiting_response) out.record.emplace("answered", true);
  if (known.answered_at) out.record.emplace("answered_at", to_ms(*known.answered_at));
  put(out.record, "tags", known.tags);
  put(out.record, "survey", room.survey);
  put(out.record, "deleted_ids", room.deleted_ids);
  out.created_at = known.created_at;
  out.closed_at = known.closed_at;
  out.last_at = known.last_at;
  out.messages = known.messages;
  return out;
}

MessageView view(const store::OwnMessage& message, std::string_view room_id) {
  const json::object& record = message.record;
  MessageView out;
  out.id = message.id;
  out.room_id = std::string(room_id);
  out.text = text_in(record, "text").value_or("");
  out.system_type = text_in(record, "system").value_or("");
  const json::object author = object_in(record, "author");
  out.author = Author{text_in(author, "id"), text_in(author, "name"), text_in(author, "role")};
  out.author_username = text_in(author, "username").value_or("");
  out.audience = text_in(record, "audience").value_or("all");
  out.hidden = object_in(record, "hidden");
  out.from_visitor = message.from_visitor;
  out.id_is_ours = message.id_is_ours;
  out.sent_at = message.sent_at;
  out.edited_at = time_in(record, "edited_at");
  out.updated_at = out.edited_at.value_or(out.sent_at);
  const json::object editor = object_in(record, "edited_by");
  out.edited_by_id = text_in(editor, "id").value_or("");
  out.edited_by_username = text_in(editor, "username").value_or("");
  return out;
}

store::OwnMessage stored(const MessageView& message, store::OwnPk room) {
  store::OwnMessage out;
  out.room = room;
  out.id = message.id;
  out.sent_at = message.sent_at;
  out.from_visitor = message.from_visitor;
  out.id_is_ours = message.id_is_ours;
  put(out.record, "text", message.text);
  put(out.record, "system", message.system_type);
  json::object author;
  put(author, "id", message.author.id);
  put(author, "name", message.author.name);
  put(author, "role", message.author.role);
  put(author, "username", message.author_username);
  put(out.record, "author", author);
  if (message.audience != "all") put(out.record, "audience", message.audience);
  put(out.record, "hidden", message.hidden);
  if (!message.edited_at) return out;
  out.record.emplace("edited_at", to_ms(*message.edited_at));
  json::object editor;
  put(editor, "id", message.edited_by_id);
  put(editor, "username", message.edited_by_username);
  put(out.record, "edited_by", editor);
  return out;
}

}  // namespace chatrelay::conversations
