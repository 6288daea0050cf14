// Rooms: the conversations that we serve ourselves, and what may be done to them. Each function is a command: it looks
// at its preconditions in the store's transaction, changes what is to be changed, and appends the event that tells of
// it; or it refuses and changes nothing. Pure over store::Transaction: no clock, no randomness, no I/O; it may run more
// than once for one call.
//
// Not here: a dialect's words, status codes and shapes (systems/), who may call (tokens of operators, rate limits).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "event/event.hpp"
#include "store/store.hpp"

namespace chatrelay::conversations {

// ---- what is known

struct VisitorView {
  store::OwnPk pk = 0;
  std::string id, token;
  std::string username;  // "guest-<pk>", unless the client named one
  std::optional<std::string> name, email, phone, department, status;
  json::object custom;
  std::optional<std::string> ip, user_agent;
  WallTime created_at, updated_at;
};

struct RoomView {
  store::OwnPk pk = 0;
  std::string id;
  store::OwnPk visitor = 0;
  bool open = true;
  std::string origin;          // "api", "widget"
  std::optional<Agent> agent;  // who serves it
  std::optional<std::string> agent_username;
  std::optional<std::string> department;
  json::object custom;
  std::string closed_by;         // "visitor", "agent", "system"; empty while open
  bool waiting_response = true;  // the visitor spoke last
  std::vector<std::string> tags;
  WallTime created_at, last_at;
  std::optional<WallTime> closed_at;
  std::uint64_t messages = 0;
};

struct MessageView {
  std::string id, room_id;
  std::string text;
  std::string system_type;  // empty for what people say; "livechat-started", "livechat-close" and the like
  Author author;            // role: visitor, agent, bot, system
  std::string author_username;
  bool from_visitor = true;
  bool id_is_ours = true;
  WallTime sent_at, updated_at;
  std::optional<WallTime> edited_at;
  std::string edited_by_id, edited_by_username;
};

VisitorView view(const store::OwnVisitor& visitor);
RoomView view(const store::OwnRoom& room);
MessageView view(const store::OwnMessage& message, std::string_view room_id);

// ---- commands

enum class Refusal {
  unknown_visitor,
  unknown_room,  // none, or another visitor's: nobody can tell which
  room_closed,
  unknown_message,
  not_yours,    // the message is somebody else's
  id_taken,     // a message of this source has that id already
  not_capable,  // delete by the id alone: too late, the client chose the id, an agent wrote it, the room is closed
  too_many_rooms,
  rooms_open,  // a visitor with open rooms is not removed
  closed_by_policy,
};

template <class T>
struct Answer {
  Answer(T value_) : value(std::move(value_)) {}
  Answer(Refusal refusal_) : refusal(refusal_) {}
  std::optional<T> value;
  Refusal refusal = Refusal::unknown_visitor;  // if there is no value
  explicit operator bool() const { return value.has_value(); }
};

// What every command is told.
struct Call {
  std::string source;
  WallTime now;
  json::value raw;  // what the client asked, without its token: the event's `raw`
};

// Every new id is made by the caller (common/ids.hpp), so that a command that runs twice makes the same.

// Changes what is said; silence changes nothing, an empty text means that there is none. A visitor that nobody knew is
// made, unless `new_id` is empty. Refuses: unknown_visitor (also a token that is empty or over 256 bytes). Event:
// visitor_updated, unless nothing is new but ip and user_agent.
struct SaveVisitor {
  Call call;
  std::string token, new_id;
  std::optional<std::string> username, name, email, phone, department, ip, user_agent;
  struct Custom {
    std::string key;
    json::value value;
    bool overwrite = true;
  };
  std::vector<Custom> custom;
};
Answer<VisitorView> save_visitor(store::Transaction& tx, const SaveVisitor& command);

struct ByToken {
  Call call;
  std::string token;
};
// Refuses: unknown_visitor, rooms_open. Event: none (nothing is left to tell about).
Answer<VisitorView> remove_visitor(store::Transaction& tx, const ByToken& command);

// Event: visitor_activity with activity.status.
struct SetStatus {
  Call call;
  std::string token, status;
};
Answer<VisitorView> set_status(store::Transaction& tx, const SetStatus& command);

// Without `room_id`: the visitor's oldest open room, or a new one. With it: that room, if it is open and the visitor's.
// A new room begins with a system message "livechat-started". Refuses: unknown_visitor, unknown_room (a closed one
// too), too_many_rooms, id_taken. Event: incoming_chat.
struct OpenRoom {
  Call call;
  std::string token;
  std::string room_id;  // empty: any
  std::string new_id, new_message_id;
  std::string origin = "api";
  std::optional<Agent> agent;
  std::optional<std::string> agent_username;
  std::size_t rooms_max = 100;  // Limit: of one visitor, open and closed
};
struct OpenedRoom {
  RoomView room;
  VisitorView visitor;
  bool is_new = false;
};
Answer<OpenedRoom> open_room(store::Transaction& tx, const OpenRoom& command);

// By the visitor. Event: incoming_event. sent_at is later than every earlier message's of the room, by a millisecond at
// least. Refuses: unknown_visitor, unknown_room, room_closed, id_taken (also an id over 256 bytes, and one that a
// client chose for a message of this room that was deleted).
struct PostMessage {
  Call call;
  std::string token, room_id;
  std::string id;  // empty: new_id
  std::string new_id;
  std::string text;
};
struct PostedMessage {
  MessageView message;
  VisitorView visitor;
  RoomView room;
};
Answer<PostedMessage> post_message(store::Transaction& tx, const PostMessage& command);

// Own messages only, in open and closed rooms, and in any room of the visitor: as in Rocket.Chat, `room_id` proves only
// who asks. Another visitor's message is unknown_message. Event: event_updated.
struct EditMessage {
  Call call;
  std::string token, room_id, id, text;
};
Answer<PostedMessage> edit_message(store::Transaction& tx, const EditMessage& command);

// As edit_message. Event: event_deleted, without the text.
struct DeleteMessage {
  Call call;
  std::string token, room_id, id;
};
Answer<PostedMessage> delete_message(store::Transaction& tx, const DeleteMessage& command);
// By its id alone, which nobody could guess: a visitor's message in an open room, with an id of ours, not older than
// `window`.
struct DeleteByCapability {
  Call call;
  std::string id;
  Millis window{15 * 60'000};
};
Answer<PostedMessage> delete_message(store::Transaction& tx, const DeleteByCapability& command);

// A system message "livechat-close" with the comment; the room is closed. Event: chat_deactivated.
struct CloseRoom {
  Call call;
  std::string token, room_id, comment, new_message_id;
};
Answer<OpenedRoom> close_room(store::Transaction& tx, const CloseRoom& command);

// Answers of a survey, each a name and a value. Event: chat_rated; its score is "satisfaction" of 1 to 5 if it was
// answered, its comment "additionalFeedback". Answers that are known: nothing is changed, nothing told.
struct TakeSurvey {
  Call call;
  std::string token, room_id;
  std::vector<std::pair<std::string, std::string>> answers;
};
Answer<OpenedRoom> take_survey(store::Transaction& tx, const TakeSurvey& command);

// Event: visitor_activity with the page.
struct VisitPage {
  Call call;
  std::string token, room_id;  // room_id empty: none
  Page page;
  std::string change;  // what made the client tell: "url", "title", …
};
Answer<VisitorView> visit_page(store::Transaction& tx, const VisitPage& command);

// A transcript that the visitor wants by mail: a delivery of its own to `destination` (a mail destination), in a lane
// of its own. The caller has read and rendered it. Event: transcript_requested.
struct SendTranscript {
  Call call;
  std::string token, room_id;
  std::string destination;
  json::value with;  // the mail: to, subject, text, html
};
Answer<OpenedRoom> send_transcript(store::Transaction& tx, const SendTranscript& command);

// Event: offline_message. Nobody need be known.
struct LeaveMessage {
  Call call;
  std::string name, email, text;
  std::optional<std::string> department, host;
  std::string new_id;  // the message's
};
Answer<bool> leave_message(store::Transaction& tx, const LeaveMessage& command);

// Several messages of a visitor at once, into the oldest open room or a new one; the visitor is made if nobody knew the
// token. Refuses: unknown_visitor, too_many_rooms, id_taken, closed_by_policy (over 1000 texts). Events: as for each
// step.
struct PostMany {
  Call call;
  std::string token;
  std::vector<std::string> texts;
  std::vector<std::string> new_ids;  // one for each text
  std::string new_visitor_id, new_room_id, new_message_id;
  std::size_t rooms_max = 100;
};
struct PostedMany {
  VisitorView visitor;
  RoomView room;
  std::vector<MessageView> messages;
};
Answer<PostedMany> post_many(store::Transaction& tx, const PostMany& command);

// From our side: an agent, a bot or the system speaks to the visitor. `id` is chosen by the caller and makes the
// command idempotent: the same again answers what is there. Refuses: unknown_room, room_closed, id_taken (by another
// message). Event: incoming_event.
struct Say {
  Call call;
  std::string room_id, id, text;
  Author author;  // role agent, bot or system
  std::string author_username;
};
Answer<PostedMessage> say(store::Transaction& tx, const Say& command);

// Event: user_added_to_chat. The agent that serves it already: nothing is changed, nothing told.
struct Assign {
  Call call;
  std::string room_id;
  Agent agent;
  std::string agent_username;
};
Answer<OpenedRoom> assign(store::Transaction& tx, const Assign& command);

// Closed already: nothing is changed, nothing told (is_new = false). Event: chat_deactivated.
struct EndRoom {
  Call call;
  std::string room_id, comment, new_message_id;
  Author author;  // who ends it
};
Answer<OpenedRoom> end_room(store::Transaction& tx, const EndRoom& command);

}  // namespace chatrelay::conversations
