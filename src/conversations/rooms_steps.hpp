// The steps that commands over rooms are made of: looking up who asks and what for, adding a message, telling an event.
// A look-up says nothing of what belongs to somebody else: it is not there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conversations/rooms_records.hpp"

namespace chatrelay::conversations {

// --- looking up

std::optional<VisitorView> find_visitor(store::Transaction& tx, const Call& call, const std::string& token);
// Of this visitor, open or closed.
std::optional<RoomState> find_room(store::Transaction& tx, const Call& call, const VisitorView& visitor,
                                   const std::string& id);
std::optional<RoomState> oldest_open_room(store::Transaction& tx, const VisitorView& visitor);

// By the room alone: for our side, and for who knows what nobody could guess.
struct Place {
  VisitorView visitor;
  RoomState room;
};
std::optional<Place> find_place(store::Transaction& tx, const Call& call, const std::string& room_id);
std::optional<Place> find_place(store::Transaction& tx, store::OwnPk room);

// Whether a room or a message may get this id.
bool is_free_room_id(store::Transaction& tx, const Call& call, const std::string& id);
bool is_free_message_id(store::Transaction& tx, const Call& call, const std::string& id);

// --- changing

void put(store::Transaction& tx, const Call& call, VisitorView& visitor);  // a new one gets its number and username
void put(store::Transaction& tx, const Call& call, RoomState& room);       // a new one gets its number

// Gives the message its time, and puts it and the room. Invariant: later than every earlier message of the room.
void add_message(store::Transaction& tx, const Call& call, RoomState& room, MessageView& message);
// Our side speaks to the visitor: with the message that is added next.
void note_answer(RoomState& room, const Call& call);
MessageView visitor_message(const VisitorView& visitor, const RoomState& room, const std::string& text);
bool can_be_made(const std::string& token, const std::string& id);
// A new visitor, and its event. The caller has looked that it can be made.
VisitorView make_visitor(store::Transaction& tx, const Call& call, const std::string& token, const std::string& id);
bool is_stale(const VisitorView& visitor, const Call& call);

// What a guest says, noted. `has_moved`: only where it calls from is new.
struct GuestNews {
  bool is_news = false, has_moved = false;
};
GuestNews take(VisitorView& visitor, const Guest& guest);

// Nobody of ours speaks as the visitor.
Author our_author(const Author& said);

// Who serves a room, with an id at any rate: that is what tells agents apart.
struct Serving {
  Agent agent;
  std::optional<std::string> username;
};
Serving serving_of(const Agent& agent, const std::optional<std::string>& username);

// A new room with its first message, and its event. The caller has looked that both ids are free.
struct Opening {
  std::string id, message_id, origin;
  std::optional<Agent> agent;
  std::optional<std::string> agent_username;
  std::optional<std::string> department = {};  // else the visitor's
  std::string status = "active", initiator = "client", key = {};
  json::object hidden = {};
};
RoomState begin_room(store::Transaction& tx, const Call& call, const VisitorView& visitor, const Opening& opening);

// An open room is closed with its last message, and its event. The caller has looked that the id is free.
struct Ending {
  std::string comment, message_id;
  Author author;  // who ends it
  std::string username;
  std::string closed_by;
};
void finish_room(store::Transaction& tx, const Call& call, const VisitorView& visitor, RoomState& room,
                 const Ending& ending);

// --- telling

// With the visitor, and the room if there is one; who serves it is its agent.
Event event_of(const char* type, const Call& call, const VisitorView& visitor, const RoomState* room);
Message message_of(const MessageView& message);
EventSeq tell(store::Transaction& tx, const Call& call, Event event);

}  // namespace chatrelay::conversations
