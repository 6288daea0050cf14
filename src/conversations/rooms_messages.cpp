// Commands about the visitor's messages.
#include <algorithm>
#include <utility>

#include "conversations/rooms_steps.hpp"

namespace chatrelay::conversations {

namespace {

// A message that the visitor may change, in the room that it is in: any of the visitor's, as in Rocket.Chat, where the
// room that is named proves only who asks.
struct OwnPlace {
  VisitorView visitor;
  RoomState room;
  MessageView message;
};

Answer<OwnPlace> find_own(store::Transaction& tx, const Call& call, const std::string& token,
                          const std::string& room_id, const std::string& id) {
  std::optional<VisitorView> visitor = find_visitor(tx, call, token);
  if (!visitor) return Refusal::unknown_visitor;
  std::optional<RoomState> room = find_room(tx, call, *visitor, room_id);
  if (!room) return Refusal::unknown_room;
  const std::optional<store::OwnMessage> message = tx.message(call.source, id);
  if (!message) return Refusal::unknown_message;
  if (message->room != room->view.pk) {
    const std::optional<store::OwnRoom> other = tx.room(message->room);
    if (!other || other->visitor != visitor->pk) return Refusal::unknown_message;
    room = room_state(*other);
  }
  if (!message->from_visitor) return Refusal::not_yours;
  MessageView known = view(*message, room->view.id);
  return OwnPlace{std::move(*visitor), std::move(*room), std::move(known)};
}

void tell_of_message(store::Transaction& tx, const Call& call, const char* type, const OwnPlace& place,
                     WallTime occurred_at) {
  Event event = event_of(type, call, place.visitor, &place.room);
  event.occurred_at = occurred_at;
  event.message = message_of(place.message);
  // What was deleted is not told once more.
  if (event.type == event_type::event_deleted) event.message->text.reset();
  tell(tx, call, std::move(event));
}

void post(store::Transaction& tx, const Call& call, OwnPlace& place) {
  place.room.view.waiting_response = true;
  add_message(tx, call, place.room, place.message);
  tell_of_message(tx, call, event_type::incoming_event, place, place.message.sent_at);
}

void remove(store::Transaction& tx, const Call& call, OwnPlace& place) {
  RoomState& room = place.room;
  tx.remove(stored(place.message, room.view.pk));
  if (room.view.messages > 0) --room.view.messages;
  // Folding knows a deleted message by its id: another one with the same would never be seen.
  if (!place.message.id_is_ours) remember(room.deleted_ids, place.message.id, deleted_ids_max);
  put(tx, call, room);
  tell_of_message(tx, call, event_type::event_deleted, place, call.now);
}

PostedMessage answer_of(OwnPlace&& place) {
  return PostedMessage{std::move(place.message), std::move(place.visitor), std::move(place.room.view)};
}

}  // namespace

Answer<PostedMessage> post_message(store::Transaction& tx, const PostMessage& command) {
  const Call& call = command.call;
  std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  std::optional<RoomState> room = find_room(tx, call, *visitor, command.room_id);
  if (!room) return Refusal::unknown_room;
  if (!room->view.open) return Refusal::room_closed;
  const std::string& id = command.id.empty() ? command.new_id : command.id;
  if (!is_free_message_id(tx, call, id) || contains(room->deleted_ids, id)) return Refusal::id_taken;
  MessageView message = visitor_message(*visitor, *room, command.text);
  message.id = id;
  message.id_is_ours = command.id.empty();
  OwnPlace place{std::move(*visitor), std::move(*room), std::move(message)};
  post(tx, call, place);
  return answer_of(std::move(place));
}

Answer<PostedMessage> edit_message(store::Transaction& tx, const EditMessage& command) {
  const Call& call = command.call;
  Answer<OwnPlace> found = find_own(tx, call, command.token, command.room_id, command.id);
  if (!found) return found.refusal;
  OwnPlace& place = *found.value;
  MessageView& message = place.message;
  message.text = kept(command.text, message_bytes_max);
  message.edited_at = std::max(call.now, message.sent_at);
  message.updated_at = *message.edited_at;
  message.edited_by_id = place.visitor.id;
  message.edited_by_username = place.visitor.username;
  tx.replace(stored(message, place.room.view.pk));
  tell_of_message(tx, call, event_type::event_updated, place, *message.edited_at);
  return answer_of(std::move(place));
}

Answer<PostedMessage> delete_message(store::Transaction& tx, const DeleteMessage& command) {
  const Call& call = command.call;
  Answer<OwnPlace> found = find_own(tx, call, command.token, command.room_id, command.id);
  if (!found) return found.refusal;
  remove(tx, call, *found.value);
  return answer_of(std::move(*found.value));
}

Answer<PostedMessage> delete_message(store::Transaction& tx, const DeleteByCapability& command) {
  const Call& call = command.call;
  const std::optional<store::OwnMessage> message = tx.message(call.source, command.id);
  if (!message) return Refusal::unknown_message;
  std::optional<Place> found = find_place(tx, message->room);
  if (!found) return Refusal::unknown_message;
  const bool in_time = call.now - message->sent_at <= command.window;
  if (!message->from_visitor || !message->id_is_ours || !found->room.view.open || !in_time) return Refusal::not_capable;
  MessageView known = view(*message, found->room.view.id);
  OwnPlace place{std::move(found->visitor), std::move(found->room), std::move(known)};
  remove(tx, call, place);
  return answer_of(std::move(place));
}

Answer<PostedMany> post_many(store::Transaction& tx, const PostMany& command) {
  const Call& call = command.call;
  const std::size_t count = std::min(command.texts.size(), command.new_ids.size());
  if (count > bulk_texts_max) return Refusal::closed_by_policy;
  std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  std::optional<RoomState> room;
  if (visitor) room = oldest_open_room(tx, *visitor);
  // All that could refuse is looked at before anything is changed.
  if (!visitor && !can_be_made(command.token, command.new_visitor_id)) return Refusal::unknown_visitor;
  if (!room) {
    const std::size_t rooms = visitor ? tx.count_rooms(visitor->pk, command.rooms_max) : 0;
    if (rooms >= command.rooms_max) return Refusal::too_many_rooms;
    if (!is_free_room_id(tx, call, command.new_room_id)) return Refusal::id_taken;
  }
  std::vector<std::string> ids(command.new_ids.begin(), command.new_ids.begin() + static_cast<std::ptrdiff_t>(count));
  if (!room) ids.push_back(command.new_message_id);
  for (const std::string& id : ids)
    if (!is_free_message_id(tx, call, id) || (room && contains(room->deleted_ids, id))) return Refusal::id_taken;
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) return Refusal::id_taken;

  if (!visitor) visitor = make_visitor(tx, call, command.token, command.new_visitor_id);
  if (!room) room = begin_room(tx, call, *visitor, Opening{command.new_room_id, command.new_message_id, "api", {}, {}});
  OwnPlace place{std::move(*visitor), std::move(*room), {}};
  PostedMany posted;
  for (std::size_t i = 0; i < count; ++i) {
    place.message = visitor_message(place.visitor, place.room, command.texts[i]);
    place.message.id = command.new_ids[i];
    post(tx, call, place);
    posted.messages.push_back(place.message);
  }
  posted.visitor = std::move(place.visitor);
  posted.room = std::move(place.room.view);
  return posted;
}

}  // namespace chatrelay::conversations
