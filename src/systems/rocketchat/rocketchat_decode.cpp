#include "systems/rocketchat/rocketchat_decode.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"
#include "systems/receiving.hpp"
#include "systems/rocketchat/rocketchat_objects.hpp"

namespace chatrelay::systems::rocketchat {

namespace {

// What a decoder of one type works on. A decoder returns why the payload makes no sense, empty if it does.
struct Decoding {
  const json::value& body;
  const StoredWebhook& webhook;
  const Cast& cast;
  Event& event;

  Chat& chat() { return *event.chat; }
  void copy_to_activity(const char* from, const char* to) {
    if (const json::value* member = find(body, from); member && !member->is_null()) event.activity[to] = *member;
  }
};

// --- what most types have

void read_people(Decoding& d) {
  if (d.cast.visitor.id || d.cast.visitor.name || d.cast.visitor.email) {
    d.event.visitor = d.cast.visitor;
    if (d.cast.visitor.id) d.event.people.push_back(Person{true, d.cast.visitor, {}, true});
  }
  if (!d.cast.agent.id) return;
  d.event.agent = d.cast.agent;
  d.event.people.push_back(Person{false, {}, d.cast.agent, true});
}

// A room is one conversation and is never opened again, so it is chat and thread in one: what comes late (nothing is
// ordered here) cannot open a chat again that has ended.
void read_room(Decoding& d, const std::string& room) {
  Chat& chat = d.event.chat.emplace();
  chat.id = room;
  chat.thread_id = room;
  chat.started_at = time_of(d.body, "createdAt");
  chat.department = text_of(d.body, "departmentId");
  if (!chat.department)
    if (const json::value* visitor = find(d.body, "visitor")) chat.department = text_of(*visitor, "department");
  if (const json::value* tags = find(d.body, "tags"); tags && tags->is_array()) {
    chat.tags.emplace();
    for (const json::value& tag : tags->get_array())
      if (tag.is_string() && !tag.get_string().empty()) chat.tags->emplace_back(tag.get_string());
  }
  if (const json::value* fields = find(d.body, "customFields");
      fields && fields->is_object() && !fields->get_object().empty())
    chat.properties["custom_fields"] = *fields;
  json::object about;
  if (auto label = text_of(d.body, "label")) about["label"] = *label;
  if (auto topic = text_of(d.body, "topic")) about["topic"] = *topic;
  if (!d.cast.visitor_username.empty()) about["visitor_username"] = d.cast.visitor_username;
  if (!d.cast.agent_username.empty()) about["agent_username"] = d.cast.agent_username;
  if (!about.empty()) chat.properties["rocketchat"] = std::move(about);
}

const json::array& messages_of(const json::value& body) {
  static const json::array none;
  const json::value* messages = find(body, "messages");
  return messages && messages->is_array() ? messages->get_array() : none;
}

void visit_page(Decoding& d, const json::value& message) {
  const Page page = read_page(message);
  if (!page.url && !page.title) return;
  if (!d.event.visitor) d.event.visitor.emplace();
  d.event.visitor->page = page;
}

// Everything said so far. Pages that the visitor went to are no part of what was said.
void read_history(Decoding& d) {
  for (const json::value& object : messages_of(d.body)) {
    if (!object.is_object()) continue;
    if (is_navigation(object))
      visit_page(d, object);
    else
      d.event.history.push_back(read_message(object, d.cast));
  }
}

void say_status(Decoding& d) {
  d.chat().status = d.event.agent ? "active" : "queued";
}

std::optional<WallTime> served_since(const json::value& body) {
  const json::value* served = find(body, "servedBy");
  return served ? time_of(*served, "ts") : std::nullopt;
}

// --- the types

std::string decode_start(Decoding& d) {
  read_history(d);
  say_status(d);
  d.event.occurred_at = d.chat().started_at;
  const auto first = std::find_if(d.event.history.begin(), d.event.history.end(),
                                  [](const Message& m) { return m.author.role == "visitor"; });
  if (first != d.event.history.end()) d.event.message = *first;
  const auto spoke = std::find_if(d.event.history.begin(), d.event.history.end(),
                                  [](const Message& m) { return m.author.role != "system"; });
  if (spoke == d.event.history.end()) return {};
  if (spoke->author.role == "visitor") d.chat().initiator = "client";
  if (spoke->author.role == "agent") d.chat().initiator = "operator";
  return {};
}

std::string decode_queued(Decoding& d) {
  read_history(d);
  d.chat().status = "queued";
  return {};
}

std::string decode_taken(Decoding& d) {
  read_history(d);
  d.chat().status = "active";
  d.event.occurred_at = served_since(d.body);
  return {};
}

std::string decode_forwarded(Decoding& d) {
  read_history(d);
  say_status(d);
  d.event.occurred_at = served_since(d.body);
  d.copy_to_activity("oldDepartmentId", "old_department");
  const json::value* old = find(d.body, "oldServedBy");
  if (!old || !old->is_object()) return {};
  const Agent agent = read_agent(*old);
  if (!agent.id || agent.id == d.cast.agent.id) return {};
  d.event.activity["old_agent"] = to_json(agent);
  Agent known = agent;
  known.name = text_of(*old, "name");  // the username must not replace a name that earlier events told
  d.event.people.push_back(Person{false, {}, std::move(known), false});
  return {};
}

std::string decode_closed(Decoding& d) {
  read_history(d);
  d.chat().status = "closed";
  d.chat().ended_at = time_of(d.body, "closedAt");
  if (!d.chat().ended_at) d.chat().ended_at = d.webhook.received_at;  // the webhook is sent at once
  d.event.occurred_at = d.chat().ended_at;
  d.copy_to_activity("closer", "closer");
  d.copy_to_activity("closedBy", "closed_by");
  return {};
}

// Of a room that is closed; only whoever never heard of it learns that here.
std::string decode_edit(Decoding& d) {
  read_history(d);
  const auto closed_at = time_of(d.body, "closedAt");
  if (!closed_at) return {};
  d.chat().status = "closed";
  d.chat().ended_at = closed_at;
  return {};
}

std::string decode_message(Decoding& d) {
  const json::array& messages = messages_of(d.body);
  const auto told = std::find_if(messages.begin(), messages.end(), [](const json::value& m) { return m.is_object(); });
  if (told == messages.end()) return "a Message without a message";
  Message message = read_message(*told, d.cast);
  if (is_navigation(*told)) {
    d.event.type = event_type::visitor_activity;
    d.event.occurred_at = message.sent_at;
    visit_page(d, *told);
    if (d.event.visitor) d.event.activity["page"] = to_json(*d.event.visitor).at("page");
    return {};
  }
  if (message.edited_at) d.event.type = event_type::event_updated;
  d.event.occurred_at = message.edited_at ? message.edited_at : message.sent_at;
  d.event.message = std::move(message);
  // One is what Rocket.Chat sends; should it send more, they are said, too.
  for (auto more = told + 1; more != messages.end(); ++more)
    if (more->is_object() && !is_navigation(*more)) d.event.history.push_back(read_message(*more, d.cast));
  return {};
}

struct Type {
  std::string_view name;
  const char* event;  // nullptr: keeps its own name
  std::string (*decode)(Decoding&);
};

constexpr std::array types = {
    Type{"LivechatSessionStart", event_type::incoming_chat, decode_start},
    Type{"LivechatSessionQueued", nullptr, decode_queued},
    Type{"LivechatSessionTaken", event_type::user_added_to_chat, decode_taken},
    Type{"LivechatSessionForwarded", event_type::chat_transferred, decode_forwarded},
    Type{"LivechatSession", event_type::chat_deactivated, decode_closed},
    Type{"LivechatEdit", event_type::visitor_updated, decode_edit},
    Type{"Message", event_type::incoming_event, decode_message},
};

// Another shape than all others: no room, the message is a text, e-mail and phone are strings.
std::string decode_offline(Decoding& d) {
  const auto text = text_of(d.body, "message");
  if (!text && !d.event.visitor) return "a LivechatOfflineMessage without a message and without a visitor";
  Message message;
  message.text = text;
  message.author.role = "visitor";
  message.author.name = d.cast.visitor.name;
  message.sent_at = time_of(d.body, "sentAt");
  d.event.occurred_at = message.sent_at;
  d.event.message = std::move(message);
  d.copy_to_activity("department", "department");
  d.copy_to_activity("host", "host");
  return {};
}

// A type of tomorrow, and LeadCapture: its own name, with what every type has. What it says stays in raw.
std::string decode_other(Decoding& d) {
  if (d.event.chat) read_history(d);
  return {};
}

// `type` by value: the event's own becomes another one here.
std::string decode_type(Decoding& d, std::string type) {
  if (type == "LivechatOfflineMessage") {
    d.event.type = event_type::offline_message;
    read_people(d);
    return decode_offline(d);
  }
  const auto room = text_of(d.body, "_id");
  if (room) read_room(d, *room);
  read_people(d);
  const auto known = std::find_if(types.begin(), types.end(), [&](const Type& one) { return one.name == type; });
  if (known == types.end()) return decode_other(d);
  if (!room) return "a " + type + " without the room's _id";
  if (known->event) d.event.type = known->event;
  return known->decode(d);
}

}  // namespace

Event decode_rocketchat(const StoredWebhook& webhook) {
  auto body = parse_json(webhook.body);
  if (!body.has_value()) return undecodable(webhook, body.error().message);
  if (!body->is_object()) return undecodable(webhook, "the body is not a JSON object");
  const auto type = strict_string_at(*body, "type");
  if (!type || type->empty()) return undecodable(webhook, "there is no type");
  Event event;
  event.type = std::string(truncate_utf8(*type, 200));  // Limit: 200 bytes of a stranger's word
  const Cast cast = read_cast(*body);
  Decoding decoding{*body, webhook, cast, event};
  if (std::string why = decode_type(decoding, event.type); !why.empty()) return undecodable(webhook, std::move(why));
  event.raw = std::move(*body);
  return event;
}

}  // namespace chatrelay::systems::rocketchat
