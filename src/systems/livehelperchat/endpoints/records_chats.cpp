// Chats as Live Helper Chat shows them.
#include <algorithm>
#include <utility>
#include <vector>

#include "systems/livehelperchat/endpoints/records.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

// The members of a chat, in the orders of Live Helper Chat's two shapes.
constexpr std::string_view record_order =
    "id nick status status_sub status_sub_sub time user_id sender_user_id hash ip referrer dep_id email "
    "user_status support_informed country_code country_name phone user_typing user_typing_txt operator_typing "
    "has_unread_messages last_user_msg_time last_msg_id mail_send lat lon city additional_data session_referrer "
    "wait_time chat_duration priority online_user_id lsync transfer_if_na transfer_timeout_ts transfer_timeout_ac "
    "transfer_uid pnd_time cls_time auto_responder_id user_tz_identifier na_cb_executed nc_cb_executed fbst "
    "operator_typing_id chat_initiator chat_variables remarks operation operation_admin screenshot_id "
    "unread_messages_informed reinform_timeout last_op_msg_time has_unread_op_messages "
    "unread_op_messages_informed user_closed_ts unanswered_chat product_id usaccept status_sub_arg tslasign "
    "chat_locale chat_locale_to uagent anonymized invitation_id device_type gbot_id theme_id cls_us iwh_id frt "
    "aart mart updateIgnoreColumns";

constexpr std::string_view state_order =
    "id nick status status_sub status_sub_arg status_sub_sub sender_user_id time user_id hash ip referrer dep_id "
    "email user_status support_informed country_code country_name user_typing user_typing_txt operator_typing "
    "operator_typing_id phone has_unread_messages has_unread_op_messages last_user_msg_time last_op_msg_time "
    "last_msg_id mail_send lat lon city additional_data session_referrer wait_time chat_duration chat_variables "
    "priority chat_initiator user_tz_identifier user_closed_ts lsync online_user_id unread_messages_informed "
    "unread_op_messages_informed reinform_timeout auto_responder_id transfer_timeout_ts transfer_if_na "
    "transfer_timeout_ac transfer_uid na_cb_executed fbst nc_cb_executed remarks operation operation_admin "
    "screenshot_id tslasign usaccept chat_locale chat_locale_to unanswered_chat product_id invitation_id uagent "
    "device_type pnd_time cls_time anonymized gbot_id cls_us iwh_id theme_id frt aart mart";

// Without a value of their own these are texts; all others are numbers.
constexpr std::string_view texts =
    "support_informed country_code country_name user_typing_txt city session_referrer remarks operation "
    "operation_admin user_tz_identifier referrer chat_variables additional_data chat_locale chat_locale_to "
    "status_sub_arg uagent";

std::vector<std::string_view> words(std::string_view list) {
  std::vector<std::string_view> found;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    found.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return found;
}

std::string text_or_empty(const std::optional<std::string>& text) {
  return text.value_or(std::string());
}

// Everything that is not a plain column.
json::object known_members(const conversations::RoomView& room, const conversations::VisitorView& visitor,
                           const UserOf& user_of) {
  const std::int64_t created = seconds(room.created_at);
  const std::int64_t last = seconds(room.last_at);
  const std::int64_t closed = room.closed_at ? seconds(*room.closed_at) : 0;
  const bool by_visitor = room.closed_by == "visitor";
  json::object out;
  out["id"] = static_cast<std::int64_t>(room.pk);
  out["nick"] = visitor.name.value_or("Visitor");
  out["status"] = static_cast<int>(chat_status(room));
  if (by_visitor) out["status_sub"] = 3;
  out["time"] = created;
  out["user_id"] = room.agent ? operator_number(room.agent->id, user_of) : 0;
  out["hash"] = room.key;
  out["ip"] = text_or_empty(visitor.ip);
  out["dep_id"] = department_number(room.department);
  out["email"] = text_or_empty(visitor.email);
  out["phone"] = text_or_empty(visitor.phone);
  out["user_status"] = by_visitor ? 1 : 0;
  out["has_unread_messages"] = room.waiting_response ? 1 : 0;
  out["unanswered_chat"] = room.waiting_response ? 1 : 0;
  out["last_user_msg_time"] = room.waiting_response ? last : created;
  out["last_op_msg_time"] = room.answered_at ? seconds(*room.answered_at) : 0;
  out["last_msg_id"] = room.messages == 0 ? 0 : to_ms(room.last_at);
  out["chat_duration"] = closed == 0 ? 0 : std::max<std::int64_t>(0, closed - created);
  out["online_user_id"] = static_cast<std::int64_t>(visitor.pk);
  out["pnd_time"] = created;
  out["cls_time"] = closed;
  out["user_closed_ts"] = by_visitor ? closed : 0;
  out["chat_initiator"] = room.initiator == "client" ? 0 : 1;
  out["uagent"] = text_or_empty(visitor.user_agent);
  if (visitor.timezone) out["user_tz_identifier"] = *visitor.timezone;
  out["updateIgnoreColumns"] = json::array{};
  return out;
}

bool is_text(std::string_view name) {
  static const std::vector<std::string_view> all = words(texts);
  return std::find(all.begin(), all.end(), name) != all.end();
}

json::object in_order(const std::vector<std::string_view>& order, const json::object& known,
                      const json::object& columns) {
  json::object out;
  out.reserve(order.size());
  for (const std::string_view name : order) {
    const json::value* value = columns.if_contains(name);
    const bool is_set = value && (name != "status_sub" || !known.contains(name));
    if (!is_set) value = known.if_contains(name);
    out.emplace(name, value ? *value : is_text(name) ? json::value("") : json::value(0));
  }
  return out;
}

}  // namespace

json::object chat_record(const conversations::RoomView& room, const conversations::VisitorView& visitor,
                         const UserOf& user_of, ChatShape shape) {
  static const std::vector<std::string_view> as_record = words(record_order), as_state = words(state_order);
  const json::object known = known_members(room, visitor, user_of);
  return in_order(shape == ChatShape::state ? as_state : as_record, known, room.hidden);
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
