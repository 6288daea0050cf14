#include "systems/livehelperchat/livehelperchat_events.hpp"

#include <algorithm>
#include <array>

namespace chatrelay::systems::livehelperchat {

namespace {

constexpr auto by_visitor = Speaker::visitor;
constexpr auto unsure = Speaker::unsure;

// Several events bring the same message: which of them fires depends on how it was written.
constexpr std::array names{
    EventName{"chat.chat_started", Kind::begun, event_type::incoming_chat, by_visitor},
    EventName{"chat.addmsguser", Kind::message, event_type::incoming_event, by_visitor},
    EventName{"chat.addmsguser_webhook", Kind::message, event_type::incoming_event, by_visitor},
    EventName{"chat.web_add_msg_admin", Kind::message, event_type::incoming_event, unsure},
    EventName{"chat.desktop_client_admin_msg", Kind::message, event_type::incoming_event, unsure},
    EventName{"chat.workflow.canned_message_before_save", Kind::message, event_type::incoming_event, unsure},
    EventName{"chat.before_auto_responder_msg_saved", Kind::message, event_type::incoming_event, unsure},
    EventName{"chat.messages_added_passive", Kind::message, event_type::incoming_event, unsure},
    EventName{"chat.message_updated", Kind::message_edited, event_type::event_updated, unsure},
    EventName{"chat.msg_removed", Kind::message_removed, event_type::event_deleted, unsure},
    EventName{"chat.close", Kind::ended, event_type::chat_deactivated, unsure},
    EventName{"chat.explicitly_closed", Kind::left, nullptr, unsure},
    EventName{"chat.visitor_regular_closed", Kind::left, nullptr, unsure},
    EventName{"chat.chat_offline_request", Kind::offline, event_type::offline_message, by_visitor},
    EventName{"chat.accept", Kind::accepted, event_type::user_added_to_chat, unsure},
    EventName{"chat.chat_transfered", Kind::transferred, event_type::chat_transferred, unsure},
    EventName{"chat.genericbot_chat_command_transfer", Kind::transferred, event_type::chat_transferred, unsure},
    EventName{"chat.data_changed", Kind::changed, event_type::visitor_updated, unsure},
    EventName{"chat.unread_chat", Kind::unread, nullptr, by_visitor},
    EventName{"survey.filled", Kind::rated, nullptr, unsure},
    EventName{"chat.operator_status_changed", Kind::agent_status, event_type::routing_status_set, unsure},
    EventName{"onlineuser.created", Kind::activity, event_type::visitor_activity, unsure},
    EventName{"onlineuser.pageview_logged", Kind::activity, event_type::visitor_activity, unsure},
};

std::string text_in(const json::value& object, std::string_view key) {
  const json::value* member = find(object, key);
  return member ? scalar_text(*member).value_or("") : "";
}

// A row's id; empty if it has none yet (a canned message before it is saved), or a made-up one.
std::string row_id(const json::value& object) {
  const auto number = int_at(object, "id");
  return number && *number <= 0 ? "" : text_in(object, "id");
}

std::string chat_of(const Parts& parts) {
  const auto chat = read_chat(parts.chat);
  return chat ? *chat->id : text_in(parts.message, "chat_id");
}

std::string set_number(const json::value& object, std::string_view key) {
  const auto number = int_at(object, key);
  return number && *number > 0 ? std::to_string(*number) : "";
}

}  // namespace

EventName event_named(std::string_view name, bool has_message) {
  if (const auto found =
          std::find_if(names.begin(), names.end(), [&](const EventName& one) { return one.name == name; });
      found != names.end())
    return *found;
  // A map of one's own may say it in the common words.
  if (const auto found =
          std::find_if(names.begin(), names.end(), [&](const EventName& one) { return one.type && one.type == name; });
      found != names.end())
    return {name, found->kind, found->type, found->kind == Kind::message ? unsure : found->speaker};
  if (name == event_type::chat_rated) return {name, Kind::rated, event_type::chat_rated, unsure};
  if (name.starts_with("continuous.")) return {name, Kind::continuous, nullptr, unsure};
  if (name.empty()) return {name, Kind::other, has_message ? event_type::incoming_event : "webhook", unsure};
  return {name, Kind::other, nullptr, unsure};
}

std::optional<NaturalKey> natural_key(const Parts& parts) {
  const Kind kind = event_named(parts.event, false).kind;
  const std::string chat = chat_of(parts), message = row_id(parts.message);
  const auto named = [&](std::string_view what, std::string detail) -> std::optional<NaturalKey> {
    if (chat.empty() || detail.empty()) return std::nullopt;
    return NaturalKey{what, chat, std::move(detail)};
  };
  switch (kind) {
    case Kind::begun:
      return named("begun", "once");
    case Kind::message:
      return named("message", message);
    case Kind::message_removed:
      return named("removed", message);
    case Kind::ended:
    case Kind::left:  // two events of one ending: what differs is the time of another ending
      return named("ended", set_number(parts.chat, "cls_time"));
    case Kind::unread: {
      const std::string last = set_number(parts.chat, "last_user_msg_time");
      return named("unread", last.empty() ? set_number(parts.chat, "last_msg_id") : last);
    }
    case Kind::continuous:
      return named("continuous", parts.event + " " + status_of(parts.chat).value_or(""));
    default:
      return std::nullopt;
  }
}

}  // namespace chatrelay::systems::livehelperchat
