// Event: what arrived, in the one shape that every system's webhooks become. Plain values; an unknown field is nullopt
// and becomes null for rules, never a missing key. PRODUCT's "The event that rules see" is this file's to_json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"

namespace chatrelay {

namespace json = boost::json;

// The number under which the store keeps a webhook: grows with commits. Identity for the code; people see the ULID.
using EventSeq = std::uint64_t;

// One webhook can tell of several things (a rating inside a property change): parts are numbered from 0.
struct EventRef {
  EventSeq seq = 0;
  std::uint32_t part = 0;
  friend bool operator==(const EventRef&, const EventRef&) = default;
  friend auto operator<=>(const EventRef&, const EventRef&) = default;
};

// Type names that code speaks of; every other action of a system keeps its own name.
namespace event_type {
inline constexpr const char* incoming_chat = "incoming_chat";
inline constexpr const char* incoming_event = "incoming_event";
inline constexpr const char* event_updated = "event_updated";
inline constexpr const char* event_deleted = "event_deleted";
inline constexpr const char* chat_deactivated = "chat_deactivated";
inline constexpr const char* chat_transferred = "chat_transferred";
inline constexpr const char* user_added_to_chat = "user_added_to_chat";
inline constexpr const char* user_removed_from_chat = "user_removed_from_chat";
inline constexpr const char* thread_tagged = "thread_tagged";
inline constexpr const char* thread_untagged = "thread_untagged";
inline constexpr const char* chat_rated = "chat_rated";
inline constexpr const char* offline_message = "offline_message";
inline constexpr const char* visitor_updated = "visitor_updated";
inline constexpr const char* visitor_activity = "visitor_activity";
inline constexpr const char* routing_status_set = "routing_status_set";
inline constexpr const char* invalid_payload = "invalid_payload";
// chatrelay's own troubles, source "chatrelay".
inline constexpr const char* delivery_dead = "delivery_dead";
inline constexpr const char* destination_disabled = "destination_disabled";
inline constexpr const char* source_silent = "source_silent";
inline constexpr const char* store_full = "store_full";
}  // namespace event_type

// The name of the source of chatrelay's own events, and of their system. No configured source may have it.
inline constexpr const char* own_source = "chatrelay";

struct Rating {
  std::optional<double> score;  // null when a rating was taken back
  std::optional<double> scale;  // the best possible score: 1 for good/bad, 5 for stars
  std::optional<std::string> comment;
  friend bool operator==(const Rating&, const Rating&) = default;
};

struct Queue {
  std::optional<std::int64_t> position;
  std::optional<std::int64_t> wait_time_s;
  friend bool operator==(const Queue&, const Queue&) = default;
};

struct Chat {
  std::optional<std::string> id;
  std::optional<std::string> thread_id;
  std::optional<std::string> status;     // queued active closed bot chatbox operators
  std::optional<std::string> initiator;  // client operator api trigger
  std::optional<WallTime> started_at;    // of the thread
  std::optional<WallTime> ended_at;
  std::optional<std::string> department;
  std::optional<std::vector<std::string>> tags;
  std::optional<Rating> rating;
  std::optional<Queue> queue;
  json::object properties;  // namespace -> name -> value
};

struct Page {
  std::optional<std::string> url, title, referrer;
};

struct Visitor {
  std::optional<std::string> id, name, email, phone, language, timezone, user_agent, ip;
  Page page;
  std::optional<bool> active;
  std::optional<bool> consent;
  json::object custom;
};

struct Agent {
  std::optional<std::string> id, name, email;
};

struct Author {
  std::optional<std::string> id, name;
  std::optional<std::string> role;  // visitor agent bot system
};

struct File {
  std::optional<std::string> name, url, content_type;
  std::optional<std::int64_t> size;  // bytes
};

struct FormField {
  std::string label;
  json::value value;  // a string, or an array of strings where several were chosen
};

struct Message {
  std::optional<std::string> id;
  std::optional<std::string> text;
  std::string kind = "message";  // message file form rich system custom
  Author author;
  std::string audience = "all";  // all agents. Invariant: "agents" never goes to a visitor
  std::optional<WallTime> sent_at;
  std::optional<WallTime> edited_at;
  bool repeated = false;  // was in incoming_chat already; folded once
  std::vector<File> files;
  std::vector<FormField> form;
  std::optional<std::string> client_id;  // the id that the sender's side chose
};

// People whom this event names with more than an id: what folding learns from.
struct Person {
  bool is_visitor = false;
  Visitor visitor;      // set when is_visitor
  Agent agent;          // set otherwise
  bool present = true;  // false: left the chat
};

struct Event {
  EventRef ref;
  std::string id;  // ULID
  std::string type;
  std::string source;
  std::string system;
  WallTime received_at;
  std::optional<WallTime> occurred_at;
  std::optional<Chat> chat;
  std::optional<Visitor> visitor;
  std::optional<Agent> agent;
  std::optional<Message> message;
  json::object activity;
  json::value raw;  // shared by the parts of a webhook is not needed: it is moved into the last

  // For folding only, not seen by rules.
  std::vector<Message> history;                 // further messages the payload carries (incoming_chat's first events)
  std::vector<Person> people;                   // everyone the payload describes
  std::vector<std::string> removed_properties;  // "namespace.name"
};

// What rules get in addition, when a rule asks for it. All may be empty.
struct EventExtras {
  json::value links = json::object{};
  json::value presence = json::object{};
};

// The value that rules see: every key of PRODUCT.md, null where unknown. The transcripts are not here:
// rules add them where they are used.
json::value to_json(const Event& event, const EventExtras& extras, bool with_raw = true);
json::value to_json(const Message& message);
json::value to_json(const Chat& chat);
json::value to_json(const Visitor& visitor);
json::value to_json(const Agent& agent);

// The reverse, for inline events in rule tests, for chatrelay's own events and for stored conversations: a missing key
// is unknown. Wrongly typed members count as missing; never fails.
Event event_from_json(const json::value& value);
Message message_from_json(const json::value& value);
Chat chat_from_json(const json::value& value);
Visitor visitor_from_json(const json::value& value);
Agent agent_from_json(const json::value& value);

}  // namespace chatrelay
