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
  std::optional<std::string> ip, user_agent, timezone;
  // What only the dialect that serves the visitor looks at. Invariant: in no event.
  json::object hidden;
  WallTime created_at, updated_at;
};

struct RoomView {
  store::OwnPk pk = 0;
  std::string id;
  store::OwnPk visitor = 0;
  bool open = true;
  std::string status = "active";     // while open: queued active bot chatbox operators, as an event's chat.status
  std::string initiator = "client";  // client operator api trigger
  std::string key;                   // opens the room to who knows it; empty: nobody. Invariant: in no event, no log
  json::object hidden;               // what only the dialect that serves the room looks at. Invariant: in no event
  std::string origin;                // "api", "widget"
  std::optional<Agent> agent;        // who serves it
  std::optional<std::string> agent_username;
  std::optional<std::string> department;
  json::object custom;
  std::string closed_by;         // "visitor", "agent", "system"; empty while open
  bool waiting_response = true;  // the visitor spoke last
  std::vector<std::string> tags;
  WallTime created_at, last_at;
  std::optional<WallTime> answered_at;  // when our side said something to the visitor last; whispers do not count
  std::optional<WallTime> closed_at;
  std::uint64_t messages = 0;
};

struct MessageView {
  std::string id, room_id;
  std::string text;
  std::string system_type;       // empty for what people say; "livechat-started", "livechat-close" and the like
  Author author;                 // role: visitor, agent, bot, system
  std::string audience = "all";  // all agents. Invariant: "agents" is never shown to the visitor
  json::object hidden;           // as a room's
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
  no_invitation,
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
  std::string audience = "all";  // "agents": a whisper, which answers no visitor
  json::object hidden = {};
  bool accepts = false;  // an agent who speaks to the visitor serves the room from now on, unless somebody does, and
                         // what waited or was a bot's is active
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

// ---- rooms as other dialects begin, change and end them

// Who visits, named by a secret that the dialect makes. A new one gets an id that ends in its number, by which our side
// may find it (invite).
struct Guest {
  std::string token, new_id;
  std::optional<std::string> name = {}, email = {}, phone = {}, ip = {}, user_agent = {}, timezone = {};
  std::vector<SaveVisitor::Custom> custom = {};
};

// A new room with what was said before and at its beginning, whatever rooms the guest has already. An invitation that
// the guest was shown becomes the first message when `takes_invitation`. Refuses: unknown_visitor (a token or an id
// that cannot be kept), too_many_rooms, id_taken, closed_by_policy (over 1000 messages). Events: incoming_chat, and
// incoming_event for each message, without `raw`: it stands in the first.
struct StartRoom {
  Call call;
  Guest guest;
  std::string new_id, new_message_id, key;
  std::string origin = "api", status = "active", initiator = "client";
  std::optional<std::string> department = {};
  std::optional<Agent> agent = {};
  json::object hidden = {};
  bool takes_invitation = false;
  std::string invitation_id = {};  // the id that its message gets
  struct Line {
    std::string new_id, text;
    Author author;  // role visitor agent bot system
    std::string audience = "all";
    json::object hidden = {};
  };
  std::vector<Line> lines = {};
  std::size_t rooms_max = 500;
};
Answer<OpenedRoom> start_room(store::Transaction& tx, const StartRoom& command);

// Changes what is said; an open status opens a closed room again. Members of `hidden` that are null are removed; what
// would make it larger than 32 KiB is not kept. Refuses: unknown_room. Event: chat_properties_updated, if what others
// may see has changed (status, department, agent); is_new tells whether it was.
struct ChangeRoom {
  Call call;
  std::string room_id;
  std::optional<std::string> status = {}, department = {};
  std::optional<Agent> agent = {};
  json::object hidden = {};
};
Answer<OpenedRoom> change_room(store::Transaction& tx, const ChangeRoom& command);

// With its messages. Refuses: unknown_room. Event: chat_deactivated, if it was open.
struct RemoveRoom {
  Call call;
  std::string room_id;
  Author author;
};
Answer<OpenedRoom> remove_room(store::Transaction& tx, const RemoveRoom& command);

// ---- visitors who are watched without a chat

// The visitor looks at a page: kept with the last ones, and told unless it is the one that it looked at before. Event:
// visitor_activity, for a new page and for who is new. `is_new`: nobody knew the visitor.
struct Track {
  Call call;
  Guest guest;
  Page page;
  std::optional<std::string> department = {};
  json::object activity = {};  // added to the event's
};
struct Tracked {
  VisitorView visitor;
  bool is_new = false;
  bool told = false;
};
Answer<Tracked> track(store::Transaction& tx, const Track& command);
// What track() would change: nothing, if false. For callers who look before they write.
bool would_track(const VisitorView& visitor, const Track& command);

// A message that waits for a visitor who has no chat. A later one takes its place. Refuses: unknown_visitor,
// rooms_open. The same `id` again changes nothing (is_new = false). Event: none: it is told when it is shown.
struct Invite {
  Call call;
  std::string visitor_id, id, text;
  Author author;
};
struct Invitation {
  std::string id, text;
  Author author;
};
struct Invited {
  VisitorView visitor;
  bool is_new = false;
};
Answer<Invited> invite(store::Transaction& tx, const Invite& command);
std::optional<Invitation> waiting_invitation(const VisitorView& visitor);
// The visitor is shown what waits. Refuses: unknown_visitor, no_invitation. Event: visitor_activity with `invitation`.
Answer<Invitation> show_invitation(store::Transaction& tx, const ByToken& command);

// The visitor is told once, for each time that our side spoke last, that there is a chat to go back to. Refuses:
// unknown_visitor, unknown_room (none is open, or nothing new was said). Event: none.
Answer<OpenedRoom> call_back(store::Transaction& tx, const ByToken& command);
std::optional<RoomView> room_to_go_back_to(const VisitorView& visitor, const std::vector<RoomView>& newest_first);

// The visitor is known by another secret from now on. One who is known by that already gets the rooms that are open,
// and what is known of the other alone. Refuses: unknown_visitor. Event: visitor_updated, if two became one.
struct Rename {
  Call call;
  std::string token, new_token;
  std::string retired_token;  // made by the caller: what is left of the first of two is kept under it
};
struct Renamed {
  VisitorView visitor;
  bool merged = false;
};
Answer<Renamed> rename(store::Transaction& tx, const Rename& command);

}  // namespace chatrelay::conversations
