#include "systems/livechat/livechat_decode.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"
#include "systems/livechat/livechat_objects.hpp"
#include "systems/livechat/livechat_rating.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

using namespace livechat;

namespace {

// What a decoder of one action works on.
struct Decoding {
  const json::value& payload;
  const StoredWebhook& webhook;
  Event& event;
  std::vector<Event>& derived;  // further parts

  Chat& chat() {
    if (!event.chat) event.chat.emplace();
    return *event.chat;
  }
  void copy_to_activity(std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys)
      if (const json::value* member = find(payload, key); member && !member->is_null()) event.activity[key] = *member;
  }
};

// Puts a person where rules look for them.
void name_person(Event& event, Person person) {
  if (person.is_visitor)
    event.visitor = person.visitor;
  else
    event.agent = person.agent;
  event.people.push_back(std::move(person));
}

void add_rating(Decoding& d, std::optional<RatingChange> change) {
  if (!change) return;
  Event rated;
  rated.type = event_type::chat_rated;
  rated.occurred_at = d.event.occurred_at;
  rated.chat = Chat{};
  rated.chat->id = d.chat().id;
  rated.chat->thread_id = d.chat().thread_id;
  rated.chat->rating = std::move(change->rating);
  rated.activity["rated"] = change->what;
  d.derived.push_back(std::move(rated));
}

// --- incoming_chat
// --------------------------------------------------------------------------------------------------------

void read_users(const json::value& chat, Event& event) {
  const json::value* users = find(chat, "users");
  if (!users || !users->is_array()) return;
  for (const json::value& user : users->get_array()) {
    auto person = read_person(user);
    if (!person) continue;
    // A supervisor (visibility agents) is in the chat without serving it.
    const bool serves = !person->is_visitor && person->present && strict_string_at(user, "visibility") != "agents";
    if (person->is_visitor && !event.visitor) event.visitor = person->visitor;
    if (serves && !event.agent) event.agent = person->agent;
    event.people.push_back(std::move(*person));
  }
}

bool is_said_by_visitor(const Message& message, bool forms) {
  if (message.author.role != "visitor") return false;
  return forms ? message.kind == "form" : message.kind == "message" || message.kind == "file" || message.kind == "rich";
}

// All events that the thread begins with. Two with one id but different content (the documentation's own sample) are
// both kept.
void read_first_events(const json::value& thread, Event& event) {
  const json::value* events = find(thread, "events");
  if (!events || !events->is_array()) return;
  for (const json::value& item : events->get_array()) {
    if (!item.is_object() || bool_at(item, "deleted").value_or(false)) continue;
    Message message = read_message(item, event.people);
    if (message.author.role == "visitor" && event.visitor) {
      Visitor contact;  // what the customer's own record says holds
      read_contact(item, contact);
      if (!event.visitor->name) event.visitor->name = contact.name;
      if (!event.visitor->email) event.visitor->email = contact.email;
    }
    std::size_t same_id = 0;
    bool same = false;
    for (const Message& other : event.history) {
      if (!message.id || !other.id || other.id->substr(0, other.id->find('~')) != *message.id) continue;
      ++same_id;
      same = same || (other.text == message.text && other.kind == message.kind);
    }
    if (same) continue;
    if (same_id > 0) *message.id += "~" + std::to_string(same_id + 1);
    event.history.push_back(std::move(message));
  }
  // What the visitor said first; a form filled in before the chat only if they said nothing.
  for (const bool forms : {false, true}) {
    const auto first = std::find_if(event.history.begin(), event.history.end(),
                                    [&](const Message& m) { return is_said_by_visitor(m, forms); });
    if (first == event.history.end() || event.message) continue;
    event.message = *first;
  }
}

std::optional<std::string> initiator_of(const json::value& payload, const Event& event) {
  std::optional<std::string> role;
  if (const auto requester = string_at(payload, "requester_id")) role = role_of_id(*requester);
  for (const Message& message : event.history) {
    if (role) break;
    if (message.author.role != "system") role = message.author.role;
  }
  if (role == "visitor") return "client";
  if (role == "agent") return "operator";
  return std::nullopt;  // a bot's first words may answer a greeting, a trigger or an integration
}

void decode_incoming_chat(Decoding& d) {
  const json::value* chat_object = find(d.payload, "chat");
  const json::value& source = chat_object ? *chat_object : d.payload;
  Chat& chat = d.chat();
  if (const auto id = string_at(source, "id")) chat.id = id;
  read_users(source, d.event);
  if (const json::value* properties = find(source, "properties"))
    merge_properties(chat.properties, read_properties(*properties));
  if (const json::value* access = find(source, "access")) chat.department = read_groups(*access);
  const json::value* thread = find(source, "thread");
  if (!thread || !thread->is_object()) return;
  if (const auto id = string_at(*thread, "id")) chat.thread_id = id;
  chat.started_at = meaningful_time_at(*thread, "created_at");
  d.event.occurred_at = chat.started_at;
  const json::value* tags = find(*thread, "tags");
  chat.tags = tags ? read_strings(*tags).value_or(std::vector<std::string>{}) : std::vector<std::string>{};
  if (const json::value* queue = find(*thread, "queue")) chat.queue = read_queue(*queue);
  if (const json::value* properties = find(*thread, "properties"))
    merge_properties(chat.properties, read_properties(*properties));
  if (const json::value* access = find(*thread, "access"))
    if (auto groups = read_groups(*access)) chat.department = std::move(groups);
  const bool active = bool_at(*thread, "active").value_or(true);
  chat.status = !active ? "closed" : chat.queue ? "queued" : "active";
  read_first_events(*thread, d.event);
  chat.initiator = initiator_of(d.payload, d.event);
}

// --- events
// ---------------------------------------------------------------------------------------------------------------

void name_author(Event& event, const json::value& payload_event) {
  const Author& author = event.message->author;
  if (!author.id) return;
  if (author.role == "visitor") {
    event.visitor.emplace().id = author.id;
    read_contact(payload_event, *event.visitor);
  } else if (author.role == "agent" || author.role == "bot") {
    event.agent = person_of_id(*author.id, "agent").agent;
  }
}

void decode_event(Decoding& d) {
  const json::value* event = find(d.payload, "event");
  if (!event || !event->is_object()) return;
  d.event.message = read_message(*event, d.event.people);
  d.event.activity = read_event_activity(*event);
  d.event.occurred_at = d.event.message->sent_at;
  name_author(d.event, *event);
  add_rating(d, rating_in_system_message(*event));
}

void decode_event_updated(Decoding& d) {
  decode_event(d);
  // LiveChat tells no time of an edit; it sends the webhook at once.
  if (d.event.message) d.event.message->edited_at = d.webhook.received_at;
  if (d.event.message) d.event.occurred_at = d.webhook.received_at;
}

void decode_event_deleted(Decoding& d) {
  Message message;
  message.id = string_at(d.payload, "event_id");
  if (message.id) d.event.message = std::move(message);
}

void decode_postback(Decoding& d) {
  d.copy_to_activity({"event_id", "postback"});
  if (const auto user = string_at(d.payload, "user_id")) name_person(d.event, person_of_id(*user, ""));
}

// --- the chat's state
// -------------------------------------------------------------------------------------------------------

void decode_chat_deactivated(Decoding& d) {
  d.chat().status = "closed";
  d.chat().ended_at = d.webhook.received_at;  // the payload has no time; the webhook is sent at once
  if (const auto user = string_at(d.payload, "user_id"))
    d.event.activity["closed_by"] = *user;  // missing: the router did
}

void decode_access(Decoding& d) {
  if (!d.chat().id) d.chat().id = string_at(d.payload, "id");
  d.copy_to_activity({"access"});
  const bool taken_away = d.event.type == "chat_access_revoked";  // then these groups are the ones that lost it
  const json::value* access = find(d.payload, "access");
  if (access && !taken_away) d.chat().department = read_groups(*access);
}

// Text since 3.6's page; the name queued_at_us suggests microseconds since the epoch, so that is read too.
std::optional<WallTime> queued_at(const json::value& queue) {
  for (const char* key : {"queued_at", "queued_at_us"}) {
    if (auto time = meaningful_time_at(queue, key)) return time;
    if (const auto us = int_at(queue, key); us && *us > 0) return from_ms(*us / 1000);
  }
  return std::nullopt;
}

void decode_transferred(Decoding& d) {
  d.copy_to_activity({"reason", "requester_id", "transferred_to"});
  const json::value* target = find(d.payload, "transferred_to");
  if (target) {
    if (auto groups = read_groups(*target)) d.chat().department = std::move(groups);
    const json::value* agents = find(*target, "agent_ids");
    const auto ids = agents ? read_strings(*agents) : std::nullopt;
    if (ids && !ids->empty()) {
      d.event.agent = person_of_id(ids->front(), "agent").agent;
      d.chat().status = "active";
    }
  }
  const json::value* queue = find(d.payload, "queue");
  if (!queue || !queue->is_object()) return;
  d.chat().queue = read_queue(*queue);
  d.chat().status = "queued";
  d.event.occurred_at = queued_at(*queue);
}

void decode_user_added(Decoding& d) {
  d.copy_to_activity({"reason", "requester_id"});
  const json::value* user = find(d.payload, "user");
  if (!user) return;
  auto person = read_person(*user);
  if (!person) return;
  if (strict_string_at(*user, "visibility") == "agents") d.event.activity["visibility"] = "agents";
  name_person(d.event, std::move(*person));
}

void decode_user_removed(Decoding& d) {
  d.copy_to_activity({"reason", "requester_id"});
  const auto id = string_at(d.payload, "user_id");
  if (!id) return;
  Person person = person_of_id(*id, strict_string_at(d.payload, "user_type").value_or(""));
  person.present = false;
  name_person(d.event, std::move(person));
}

void decode_tag(Decoding& d) {
  d.copy_to_activity({"tag"});
}

// chat_ and thread_properties_updated: only what changed.
void decode_properties_updated(Decoding& d) {
  if (!d.chat().id) d.chat().id = string_at(d.payload, "id");
  const json::value* found = find(d.payload, "properties");
  if (!found) return;
  const json::object properties = read_properties(*found);
  merge_properties(d.chat().properties, properties);
  add_rating(d, rating_in_properties(properties));
}

void decode_properties_deleted(Decoding& d) {
  if (!d.chat().id) d.chat().id = string_at(d.payload, "id");
  const json::value* properties = find(d.payload, "properties");
  if (!properties) return;
  d.event.removed_properties = read_removed_properties(*properties);
  add_rating(d, rating_removed(d.event.removed_properties));
}

// Properties of one event are not the chat's.
void decode_event_properties(Decoding& d) {
  d.copy_to_activity({"event_id", "properties"});
}

void decode_seen(Decoding& d) {
  d.copy_to_activity({"seen_up_to"});
  if (const auto user = string_at(d.payload, "user_id")) name_person(d.event, person_of_id(*user, ""));
}

void decode_summary(Decoding& d) {
  d.copy_to_activity({"summary"});
  if (const json::value* summary = find(d.payload, "summary"))
    d.event.occurred_at = meaningful_time_at(*summary, "updated_at");
}

// --- people and configuration
// -------------------------------------------------------------------------------------------------

void decode_routing_status(Decoding& d) {
  // Spelled "not accepting chats" in webhooks and "not_accepting_chats" in the API.
  std::string status = strict_string_at(d.payload, "status").value_or("");
  std::replace(status.begin(), status.end(), ' ', '_');
  if (!status.empty()) d.event.activity["status"] = status;
  if (const auto id = string_at(d.payload, "agent_id")) name_person(d.event, person_of_id(*id, "agent"));
}

void decode_session_fields(Decoding& d) {
  Person person;
  person.is_visitor = true;
  person.visitor.id = string_at(d.payload, "id");
  if (const json::value* fields = find(d.payload, "session_fields"))
    person.visitor.custom = read_session_fields(*fields);
  name_person(d.event, std::move(person));
  const json::value* active = find(d.payload, "active_chat");
  if (!active || !active->is_object()) return;
  d.chat().id = string_at(*active, "chat_id");
  d.chat().thread_id = string_at(*active, "thread_id");
}

// Documented under `customer`, seen flat: whichever has an id.
void decode_customer(Decoding& d) {
  const json::value* nested = find(d.payload, "customer");
  const json::value& customer = nested && nested->is_object() ? *nested : d.payload;
  Person person;
  person.is_visitor = true;
  person.visitor = read_customer(customer);
  d.event.occurred_at = meaningful_time_at(customer, "created_at");
  name_person(d.event, std::move(person));
}

void keep_payload(Decoding& d) {
  if (d.payload.is_object()) {
    for (const auto& member : d.payload.get_object()) d.event.activity.insert_or_assign(member.key(), member.value());
  } else if (d.payload.is_array()) {  // auto_accesses_updated; its documentation also calls it auto_access_added
    d.event.activity["auto_accesses"] = d.payload;
  }
  d.event.occurred_at = meaningful_time_at(d.payload, "created_at");
}

void decode_agent(Decoding& d) {
  keep_payload(d);
  if (string_at(d.payload, "id")) name_person(d.event, Person{false, {}, read_agent(d.payload), true});
}

void decode_nothing(Decoding&) {}

struct Action {
  std::string_view name;
  void (*decode)(Decoding&);
};

constexpr std::array actions = {
    Action{"incoming_chat", decode_incoming_chat},
    Action{"incoming_chat_thread", decode_incoming_chat},  // 3.1
    Action{"incoming_event", decode_event},
    Action{"event_updated", decode_event_updated},
    Action{"event_deleted", decode_event_deleted},
    Action{"incoming_rich_message_postback", decode_postback},
    Action{"chat_deactivated", decode_chat_deactivated},
    Action{"thread_closed", decode_chat_deactivated},  // 3.1
    Action{"chat_access_granted", decode_access},
    Action{"chat_access_revoked", decode_access},
    Action{"chat_access_updated", decode_access},
    Action{"chat_transferred", decode_transferred},
    Action{"user_added_to_chat", decode_user_added},
    Action{"chat_user_added", decode_user_added},  // 3.1
    Action{"user_removed_from_chat", decode_user_removed},
    Action{"chat_user_removed", decode_user_removed},  // 3.1
    Action{"thread_tagged", decode_tag},
    Action{"thread_untagged", decode_tag},
    Action{"chat_thread_tagged", decode_tag},    // 3.1
    Action{"chat_thread_untagged", decode_tag},  // 3.1
    Action{"chat_properties_updated", decode_properties_updated},
    Action{"chat_properties_deleted", decode_properties_deleted},
    Action{"thread_properties_updated", decode_properties_updated},
    Action{"thread_properties_deleted", decode_properties_deleted},
    Action{"chat_thread_properties_updated", decode_properties_updated},  // 3.1
    Action{"chat_thread_properties_deleted", decode_properties_deleted},  // 3.1
    Action{"event_properties_updated", decode_event_properties},
    Action{"event_properties_deleted", decode_event_properties},
    Action{"events_marked_as_seen", decode_seen},
    Action{"thread_summary_set", decode_summary},
    Action{"routing_status_set", decode_routing_status},
    Action{"agent_status_changed", decode_routing_status},  // 3.1
    Action{"customer_session_fields_updated", decode_session_fields},
    Action{"incoming_customer", decode_customer},
    Action{"customer_created", decode_customer},  // 3.2
    Action{"agent_created", decode_agent},
    Action{"agent_approved", decode_agent},
    Action{"agent_updated", decode_agent},
    Action{"agent_suspended", decode_agent},
    Action{"agent_unsuspended", decode_agent},
    Action{"agent_deleted", decode_agent},
    Action{"bot_created", decode_agent},
    Action{"bot_updated", decode_agent},
    Action{"bot_deleted", decode_agent},
    Action{"group_created", keep_payload},
    Action{"group_updated", keep_payload},
    Action{"group_deleted", keep_payload},
    Action{"auto_access_added", keep_payload},
    Action{"auto_access_updated", keep_payload},
    Action{"auto_access_deleted", keep_payload},
    Action{"auto_accesses_updated", keep_payload},
    Action{"tag_created", keep_payload},
    Action{"tag_updated", keep_payload},
    Action{"tag_deleted", keep_payload},
    Action{"delete_tag", keep_payload},  // the documentation's table calls tag_deleted this
};

void (*decoder_of(std::string_view action))(Decoding&) {
  for (const Action& known : actions)
    if (known.name == action) return known.decode;
  return decode_nothing;
}

// What most payloads name the same way, whatever the action: an action of tomorrow gets its chat, too.
void read_common(const json::value& body, Decoding& d) {
  const auto chat_id = string_at(d.payload, "chat_id");
  const auto thread_id = string_at(d.payload, "thread_id");
  if (chat_id) d.chat().id = chat_id;
  if (chat_id && thread_id) d.chat().thread_id = thread_id;
  if (const json::value* requester = find(body, "requester"); requester && requester->is_object())
    d.event.activity["requester"] = *requester;
}

// The chat's properties come with every webhook that was registered with additional_data: [chat_properties].
void read_additional_data(const json::value& body, Event& event) {
  const json::value* properties = find_path(body, {"additional_data", "chat_properties"});
  if (!properties || !event.chat || !event.chat->id) return;
  json::object merged = read_properties(*properties);
  merge_properties(merged, event.chat->properties);  // the payload is the newer word
  event.chat->properties = std::move(merged);
}

// App Webhooks are another family: {applicationID, …, event, payload}, no action and no secret.
Event decode_app_webhook(const json::value& body, std::string type) {
  Event event;
  event.type = std::move(type);
  event.occurred_at = meaningful_time_at(body, "date");
  for (const char* key :
       {"applicationID", "applicationName", "clientID", "userID", "organizationID", "licenseID", "payload"})
    if (const json::value* member = find(body, key)) event.activity[key] = *member;
  return event;
}

std::vector<Event> decode_body(const StoredWebhook& webhook, json::value& body) {
  std::vector<Event> events;
  const auto action = strict_string_at(body, "action");
  if (!action || action->empty()) {
    const auto app_event = strict_string_at(body, "event");
    if (!app_event || app_event->empty() || !find(body, "applicationID")) {
      events.push_back(undecodable(webhook, "there is no action"));
      return events;
    }
    events.push_back(decode_app_webhook(body, *app_event));
    events.back().raw = std::move(body);
    return events;
  }
  Event event;
  event.type = std::string(truncate_utf8(*action, 200));  // Limit: 200 bytes of a stranger's word
  const json::value nothing = nullptr;
  const json::value* payload = find(body, "payload");
  if (!payload) payload = find(body, "data");  // before 3.1
  std::vector<Event> derived;
  Decoding decoding{payload ? *payload : nothing, webhook, event, derived};
  read_common(body, decoding);
  decoder_of(event.type)(decoding);
  read_additional_data(body, event);
  if (event.chat && !event.chat->id) event.chat.reset();  // what belongs to no chat must not be folded into one

  events.push_back(std::move(event));
  for (Event& part : derived)
    if (part.chat && part.chat->id) events.push_back(std::move(part));
  for (std::size_t i = 0; i + 1 < events.size(); ++i) events[i].raw = body;
  events.back().raw = std::move(body);
  return events;
}

}  // namespace

std::vector<Event> decode_livechat(const StoredWebhook& webhook) {
  auto body = parse_json(webhook.body);
  if (!body.has_value()) return {undecodable(webhook, body.error().message)};
  if (!body->is_object()) return {undecodable(webhook, "the body is not a JSON object")};
  return decode_body(webhook, *body);
}

}  // namespace chatrelay::systems
