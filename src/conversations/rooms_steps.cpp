#include "conversations/rooms_steps.hpp"

#include <algorithm>
#include <utility>

#include "event/served_event.hpp"

namespace chatrelay::conversations {

namespace {

// What nobody can have: too long to be kept, or nothing.
bool is_usable(const std::string& id) {
  return !id.empty() && id.size() <= id_bytes_max;
}

Chat chat_of(const RoomState& state, bool begins) {
  const RoomView& room = state.view;
  Chat chat;
  chat.id = room.id;
  chat.status = room.open ? room.status : "closed";
  chat.initiator = room.initiator;
  chat.started_at = room.created_at;
  chat.ended_at = room.closed_at;
  chat.department = room.department;
  if (begins || !room.tags.empty()) chat.tags = room.tags;
  return chat;
}

Visitor visitor_of(const VisitorView& known) {
  Visitor visitor;
  visitor.id = known.id;
  visitor.name = known.name;
  visitor.email = known.email;
  visitor.phone = known.phone;
  visitor.user_agent = known.user_agent;
  visitor.ip = known.ip;
  visitor.timezone = known.timezone;
  visitor.custom = known.custom;
  return visitor;
}

// What the room itself says. Not an event of its own: what it speaks of is one.
MessageView system_message(const char* type, const std::string& id, const Author& author, const std::string& username) {
  MessageView message;
  message.id = id;
  message.system_type = type;
  message.author = author;
  message.author.role = "system";
  message.author_username = username;
  message.from_visitor = false;
  return message;
}

}  // namespace

// --- looking up

std::optional<VisitorView> find_visitor(store::Transaction& tx, const Call& call, const std::string& token) {
  if (!is_usable(token)) return std::nullopt;
  const std::optional<store::OwnVisitor> visitor = tx.visitor(call.source, token);
  if (!visitor) return std::nullopt;
  return view(*visitor);
}

std::optional<RoomState> find_room(store::Transaction& tx, const Call& call, const VisitorView& visitor,
                                   const std::string& id) {
  if (!is_usable(id)) return std::nullopt;
  const std::optional<store::OwnRoom> room = tx.room(call.source, id);
  if (!room || room->visitor != visitor.pk) return std::nullopt;
  return room_state(*room);
}

std::optional<RoomState> oldest_open_room(store::Transaction& tx, const VisitorView& visitor) {
  const std::vector<store::OwnRoom> rooms = tx.open_rooms(visitor.pk, 1);
  if (rooms.empty()) return std::nullopt;
  return room_state(rooms.front());
}

namespace {
std::optional<Place> place_of(store::Transaction& tx, const std::optional<store::OwnRoom>& room) {
  if (!room) return std::nullopt;
  const std::optional<store::OwnVisitor> visitor = tx.visitor(room->visitor);
  if (!visitor) return std::nullopt;  // was removed: its rooms wait for retention
  return Place{view(*visitor), room_state(*room)};
}
}  // namespace

std::optional<Place> find_place(store::Transaction& tx, const Call& call, const std::string& room_id) {
  if (!is_usable(room_id)) return std::nullopt;
  return place_of(tx, tx.room(call.source, room_id));
}

std::optional<Place> find_place(store::Transaction& tx, store::OwnPk room) {
  return place_of(tx, tx.room(room));
}

bool is_free_room_id(store::Transaction& tx, const Call& call, const std::string& id) {
  return is_usable(id) && !tx.room(call.source, id);
}

bool is_free_message_id(store::Transaction& tx, const Call& call, const std::string& id) {
  return is_usable(id) && !tx.message(call.source, id);
}

// --- changing

void put(store::Transaction& tx, const Call& call, VisitorView& visitor) {
  visitor.updated_at = call.now;
  visitor.pk = tx.put(stored(visitor, call.source));
  if (visitor.username.empty()) visitor.username = guest_name(visitor.pk);
}

void put(store::Transaction& tx, const Call& call, RoomState& room) {
  room.view.pk = tx.put(stored(room, call.source));
}

namespace {
// The first message stands at the room's beginning; later ones a millisecond apart at least, also when the clock
// stands still or jumps back: times are what pages of a history begin and end at.
WallTime next_time(const RoomState& room, const Call& call) {
  return room.view.pk == 0 ? call.now : std::max(call.now, room.view.last_at + Millis{1});
}
}  // namespace

void note_answer(RoomState& room, const Call& call) {
  room.view.waiting_response = false;
  room.view.answered_at = next_time(room, call);
}

void add_message(store::Transaction& tx, const Call& call, RoomState& room, MessageView& message) {
  message.sent_at = next_time(room, call);
  message.updated_at = message.sent_at;
  message.room_id = room.view.id;
  room.view.last_at = message.sent_at;
  ++room.view.messages;
  put(tx, call, room);
  tx.insert(stored(message, room.view.pk));
}

MessageView visitor_message(const VisitorView& visitor, const RoomState& room, const std::string& text) {
  MessageView message;
  message.room_id = room.view.id;
  message.text = kept(text, message_bytes_max);
  message.author = Author{visitor.id, visitor.name, "visitor"};
  message.author_username = visitor.username;
  return message;
}

bool can_be_made(const std::string& token, const std::string& id) {
  return is_usable(token) && is_usable(id);
}

VisitorView make_visitor(store::Transaction& tx, const Call& call, const std::string& token, const std::string& id) {
  VisitorView visitor;
  visitor.id = id;
  visitor.token = token;
  visitor.status = "online";
  visitor.created_at = call.now;
  put(tx, call, visitor);
  tell(tx, call, event_of(event_type::visitor_updated, call, visitor, nullptr));
  return visitor;
}

Serving serving_of(const Agent& agent, const std::optional<std::string>& username) {
  Serving out;
  out.agent.id = kept_if(agent.id, name_bytes_max);
  out.agent.name = kept_if(agent.name, name_bytes_max);
  out.agent.email = kept_if(agent.email, name_bytes_max);
  out.username = kept_if(username, name_bytes_max);
  if (!out.agent.id || out.agent.id->empty()) out.agent.id = out.username;
  return out;
}

Author our_author(const Author& said) {
  Author author;
  author.id = kept_if(said.id, name_bytes_max);
  author.name = kept_if(said.name, name_bytes_max);
  author.role = said.role == "agent" || said.role == "bot" ? said.role : "system";
  return author;
}

RoomState begin_room(store::Transaction& tx, const Call& call, const VisitorView& visitor, const Opening& opening) {
  RoomState room;
  room.view.id = opening.id;
  room.view.visitor = visitor.pk;
  room.view.origin = kept(opening.origin, name_bytes_max);
  if (opening.agent) {
    Serving serving = serving_of(*opening.agent, opening.agent_username);
    room.view.agent = std::move(serving.agent);
    room.view.agent_username = std::move(serving.username);
  }
  room.view.status = opening.status;
  room.view.initiator = opening.initiator;
  room.view.key = opening.key;
  room.view.hidden = opening.hidden;
  room.view.department = opening.department ? kept_if(opening.department, name_bytes_max) : visitor.department;
  room.view.created_at = call.now;
  MessageView first =
      system_message("livechat-started", opening.message_id, Author{visitor.id, visitor.name, {}}, visitor.username);
  add_message(tx, call, room, first);
  Event event = event_of(event_type::incoming_chat, call, visitor, &room);
  event.activity["origin"] = room.view.origin;
  tell(tx, call, std::move(event));
  return room;
}

void finish_room(store::Transaction& tx, const Call& call, const VisitorView& visitor, RoomState& room,
                 const Ending& ending) {
  room.view.open = false;
  room.view.closed_at = std::max(call.now, room.view.created_at);
  room.view.closed_by = ending.closed_by;
  room.view.waiting_response = false;
  MessageView last = system_message("livechat-close", ending.message_id, ending.author, ending.username);
  last.text = kept(ending.comment, text_bytes_max);
  add_message(tx, call, room, last);
  Event event = event_of(event_type::chat_deactivated, call, visitor, &room);
  event.activity["closed_by"] = ending.closed_by;
  if (!last.text.empty()) event.activity["comment"] = last.text;
  tell(tx, call, std::move(event));
}

// --- telling

Event event_of(const char* type, const Call& call, const VisitorView& visitor, const RoomState* room) {
  Event event;
  event.type = type;
  event.occurred_at = call.now;
  event.visitor = visitor_of(visitor);
  if (room) {
    event.chat = chat_of(*room, event.type == event_type::incoming_chat);
    event.agent = room->view.agent;
  }
  // Deeper than this, the stored event could not be read again.
  if (is_shallow(call.raw, raw_depth_max)) event.raw = call.raw;
  return event;
}

Message message_of(const MessageView& message) {
  Message out;
  out.id = message.id;
  out.text = message.text;
  out.author = message.author;
  out.audience = message.audience;
  if (message.author.role == "system") out.kind = "system";
  out.sent_at = message.sent_at;
  out.edited_at = message.edited_at;
  if (message.from_visitor && !message.id_is_ours) out.client_id = message.id;
  return out;
}

EventSeq tell(store::Transaction& tx, const Call& call, Event event) {
  store::NewEvent stored_event;
  stored_event.source = call.source;
  stored_event.received_at = call.now;
  stored_event.body = served_event_body(event);
  stored_event.content_type = served_content_type;
  return tx.append(stored_event);
}

}  // namespace chatrelay::conversations
