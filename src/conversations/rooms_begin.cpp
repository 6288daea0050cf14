// Commands that begin, change and remove rooms for dialects in which a visitor may have many at a time.
#include <algorithm>
#include <utility>

#include "conversations/rooms_guests.hpp"

namespace chatrelay::conversations {

namespace {

constexpr std::size_t lines_max = 1000;  // Limit: of one command: it is one transaction

// All ids are free, and none comes twice.
bool are_free(store::Transaction& tx, const Call& call, std::vector<std::string> ids) {
  for (const std::string& id : ids)
    if (!is_free_message_id(tx, call, id)) return false;
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

MessageView message_of_line(const VisitorView& visitor, const RoomState& room, const StartRoom::Line& line) {
  MessageView message = visitor_message(visitor, room, line.text);
  message.id = line.new_id;
  message.hidden = line.hidden;
  if (line.author.role == "visitor") return message;
  message.from_visitor = false;
  message.author = our_author(line.author);
  message.author_username = message.author.name.value_or("");
  message.audience = line.audience == "agents" ? "agents" : "all";
  return message;
}

// Limit: what the client asked is in the event of the room's beginning alone. With each line it would be on disk a
// thousand times over.
void add_line(store::Transaction& tx, const Call& call, const VisitorView& visitor, RoomState& room,
              const StartRoom::Line& line) {
  MessageView message = message_of_line(visitor, room, line);
  if (message.from_visitor)
    room.view.waiting_response = true;
  else if (message.audience == "all" && message.author.role != "system")
    note_answer(room, call);
  add_message(tx, call, room, message);
  Event event = event_of(event_type::incoming_event, call, visitor, &room);
  event.occurred_at = message.sent_at;
  event.message = message_of(message);
  event.raw = nullptr;
  tell(tx, call, std::move(event));
}

bool is_open_status(const std::string& status) {
  return status == "queued" || status == "active" || status == "bot" || status == "chatbox" || status == "operators";
}

// Member by member; nothing that would not fit.
void merge_hidden(json::object& known, const json::object& said) {
  json::object wanted = known;
  for (const auto& member : said) {
    if (member.value().is_null()) {
      wanted.stable_erase(member.key());
    } else if (std::optional<json::value> value = kept_custom(member.value())) {
      wanted.insert_or_assign(member.key(), std::move(*value));
    }
  }
  if (json::serialize(wanted).size() <= custom_bytes_max) known = std::move(wanted);
}

json::object changes_of(const RoomView& before, const RoomView& after, bool was_open) {
  json::object activity;
  const auto note = [&](const char* name, const json::value& then, const json::value& now) {
    if (then != now) activity[name] = json::object{{"from", then}, {"to", now}};
  };
  const auto text = [](const std::optional<std::string>& t) { return t ? json::value(*t) : json::value(); };
  note("status", json::value(was_open ? before.status : "closed"), json::value(after.status));
  note("department", text(before.department), text(after.department));
  note("agent", text(before.agent ? before.agent->id : std::nullopt),
       text(after.agent ? after.agent->id : std::nullopt));
  return activity;
}

}  // namespace

Answer<OpenedRoom> start_room(store::Transaction& tx, const StartRoom& command) {
  const Call& call = command.call;
  if (command.lines.size() > lines_max) return Refusal::closed_by_policy;
  std::optional<VisitorView> visitor = find_visitor(tx, call, command.guest.token);
  if (!visitor && !can_be_made(command.guest.token, command.guest.new_id)) return Refusal::unknown_visitor;
  if (visitor && tx.count_rooms(visitor->pk, command.rooms_max) >= command.rooms_max) return Refusal::too_many_rooms;
  if (!is_free_room_id(tx, call, command.new_id)) return Refusal::id_taken;
  std::optional<Invitation> shown;
  if (visitor && command.takes_invitation) shown = shown_invitation(*visitor);
  std::vector<std::string> ids{command.new_message_id};
  for (const StartRoom::Line& line : command.lines) ids.push_back(line.new_id);
  if (shown) ids.push_back(command.invitation_id);
  if (!are_free(tx, call, std::move(ids))) return Refusal::id_taken;

  const bool is_new = !visitor;
  if (is_new) visitor = new_guest(tx, call, command.guest);
  const GuestNews news = take(*visitor, command.guest);
  if (shown) forget_invitation(*visitor);
  if (is_new || news.is_news || news.has_moved || shown || is_stale(*visitor, call)) put(tx, call, *visitor);

  Opening opening{command.new_id, command.new_message_id, command.origin, command.agent, std::nullopt};
  opening.department = command.department;
  if (is_open_status(command.status)) opening.status = command.status;
  opening.initiator = command.initiator;
  opening.key = command.key;
  merge_hidden(opening.hidden, command.hidden);
  RoomState room = begin_room(tx, call, *visitor, opening);
  if (shown) add_line(tx, call, *visitor, room, {command.invitation_id, shown->text, shown->author, "all", {}});
  for (const StartRoom::Line& line : command.lines) add_line(tx, call, *visitor, room, line);
  return OpenedRoom{std::move(room.view), std::move(*visitor), true};
}

Answer<OpenedRoom> change_room(store::Transaction& tx, const ChangeRoom& command) {
  const Call& call = command.call;
  std::optional<Place> found = find_place(tx, call, command.room_id);
  if (!found) return Refusal::unknown_room;
  RoomState& room = found->room;
  const RoomView before = room.view;
  if (command.status && is_open_status(*command.status)) {
    room.view.status = *command.status;
    if (!room.view.open) {
      room.view.open = true;
      room.view.closed_at.reset();
      room.view.closed_by.clear();
    }
  }
  if (command.department) room.view.department = kept_if(command.department, name_bytes_max);
  if (command.agent) {
    const bool nobody = !command.agent->id || command.agent->id->empty();
    room.view.agent.reset();
    room.view.agent_username.reset();
    if (!nobody) room.view.agent = serving_of(*command.agent, std::nullopt).agent;
  }
  merge_hidden(room.view.hidden, command.hidden);
  const bool opened = room.view.open && !before.open;
  json::object activity = changes_of(before, room.view, before.open || !opened);
  if (activity.empty() && room.view.hidden == before.hidden)
    return OpenedRoom{std::move(room.view), std::move(found->visitor), false};
  put(tx, call, room);
  if (activity.empty()) return OpenedRoom{std::move(room.view), std::move(found->visitor), false};
  Event event = event_of("chat_properties_updated", call, found->visitor, &room);
  event.activity = std::move(activity);
  tell(tx, call, std::move(event));
  return OpenedRoom{std::move(room.view), std::move(found->visitor), true};
}

Answer<OpenedRoom> remove_room(store::Transaction& tx, const RemoveRoom& command) {
  const Call& call = command.call;
  std::optional<Place> found = find_place(tx, call, command.room_id);
  if (!found) return Refusal::unknown_room;
  RoomState& room = found->room;
  const bool was_open = room.view.open;
  if (was_open) {
    room.view.open = false;
    room.view.closed_at = std::max(call.now, room.view.created_at);
    room.view.closed_by = our_author(command.author).role == "agent" ? "agent" : "system";
    Event event = event_of(event_type::chat_deactivated, call, found->visitor, &room);
    event.activity["closed_by"] = room.view.closed_by;
    event.activity["removed"] = true;
    tell(tx, call, std::move(event));
  }
  tx.remove_room(room.view.pk);
  return OpenedRoom{std::move(room.view), std::move(found->visitor), was_open};
}

}  // namespace chatrelay::conversations
