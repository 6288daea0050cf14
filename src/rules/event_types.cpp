#include "rules/event_types.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"

namespace chatrelay::rules {
namespace {

constexpr auto own =
    std::to_array<std::string_view>({"delivery_dead", "destination_disabled", "source_silent", "store_full"});

// The common types, with what a generic source calls an event of no type, then LiveChat's other actions of API 3.3
// to 3.7.
constexpr auto known = std::to_array<std::string_view>({
    "incoming_chat",
    "incoming_event",
    "event_updated",
    "event_deleted",
    "chat_deactivated",
    "chat_transferred",
    "user_added_to_chat",
    "user_removed_from_chat",
    "thread_tagged",
    "thread_untagged",
    "tag_created",
    "tag_updated",
    "tag_deleted",
    "chat_rated",
    "offline_message",
    "visitor_updated",
    "visitor_activity",
    "contact_declined",
    "conversion",
    "routing_status_set",
    "trigger_fired",
    "invalid_payload",
    "webhook",
    "delivery_dead",
    "destination_disabled",
    "source_silent",
    "store_full",
    "chat_access_granted",
    "chat_access_revoked",
    "chat_access_updated",
    "incoming_rich_message_postback",
    "chat_properties_updated",
    "chat_properties_deleted",
    "thread_properties_updated",
    "thread_properties_deleted",
    "event_properties_updated",
    "event_properties_deleted",
    "incoming_customer",
    "customer_session_fields_updated",
    "events_marked_as_seen",
    "agent_deleted",
    "agent_created",
    "agent_approved",
    "agent_updated",
    "agent_suspended",
    "agent_unsuspended",
    "bot_created",
    "bot_updated",
    "bot_deleted",
    "group_created",
    "group_updated",
    "group_deleted",
    "auto_access_added",
    "auto_access_updated",
    "auto_access_deleted",
    "auto_accesses_updated",
    "thread_summary_set",
});

}  // namespace

bool is_known_type(std::string_view type) {
  return std::ranges::find(known, type) != known.end();
}
bool is_own_type(std::string_view type) {
  return std::ranges::find(own, type) != own.end();
}
std::string_view nearest_type(std::string_view type) {
  return nearest(type, known.data(), known.size());
}

}  // namespace chatrelay::rules
