// Messages as Live Helper Chat shows them.
#include <utility>

#include "common/json.hpp"
#include "systems/livehelperchat/endpoints/records.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

std::string shown_text(const conversations::MessageView& message) {
  if (!message.text.empty()) return message.text;
  if (message.system_type == "livechat-started") return "Chat started";
  if (message.system_type == "livechat-close") return "Chat was closed";
  return message.text;
}

std::string support_name(const conversations::MessageView& message) {
  if (message.from_visitor || message.author.role == "system") return {};
  return message.author.name.value_or(message.author_username);
}

std::string meta_of(const conversations::MessageView& message) {
  const std::string said = string_at(json::value(message.hidden), "meta_msg").value_or("");
  const bool is_whisper = message.audience == "agents" && message.author.role == "agent";
  if (!is_whisper) return said;
  Result<json::value> meta = parse_json(said.empty() ? std::string_view("{}") : std::string_view(said));
  json::object content = meta && meta->is_object() ? std::move(meta->get_object()) : json::object();
  json::value& inner = content["content"];
  if (!inner.is_object()) inner = json::object();
  inner.get_object()["whisper"] = true;
  return json::serialize(content);
}

std::int64_t shown_time(const conversations::MessageView& message) {
  const json::value* imported = message.hidden.if_contains("time");
  return imported && imported->is_int64() ? imported->get_int64() : seconds(message.sent_at);
}

std::int64_t delivery_status(const conversations::MessageView& message) {
  return message.from_visitor || message.author.role == "system" ? 0 : 1;
}

}  // namespace

// As PHP takes a switch: whatever is not empty, 0 or false. What cannot be read is none.
bool is_whisper(std::string_view meta_msg) {
  if (meta_msg.empty()) return false;
  const Result<json::value> meta = parse_json(meta_msg);
  const json::value* said = meta ? find_path(*meta, {"content", "whisper"}) : nullptr;
  if (!said || said->is_null()) return false;
  if (said->is_bool()) return said->get_bool();
  if (said->is_string()) return !said->get_string().empty() && said->get_string() != "0";
  return !said->is_int64() || said->get_int64() != 0;
}

json::object message_record(const conversations::MessageView& message, store::OwnPk chat, const UserOf& user_of) {
  json::object out;
  out["id"] = message_number(message);
  out["msg"] = shown_text(message);
  out["meta_msg"] = meta_of(message);
  out["time"] = shown_time(message);
  out["chat_id"] = static_cast<std::int64_t>(chat);
  out["user_id"] = user_id_of(message, user_of);
  out["del_st"] = delivery_status(message);
  out["name_support"] = support_name(message);
  return out;
}

json::object posted_record(const conversations::MessageView& message, json::value chat, const UserOf& user_of) {
  json::object out;
  out["id"] = message_number(message);
  out["msg"] = shown_text(message);
  out["meta_msg"] = meta_of(message);
  out["time"] = shown_time(message);
  out["chat_id"] = std::move(chat);
  out["user_id"] = user_id_of(message, user_of);
  out["name_support"] = support_name(message);
  out["del_st"] = delivery_status(message);
  return out;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
