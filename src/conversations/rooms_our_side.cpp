// Commands of our side: agents, bots and the system speak to the visitor.
#include <utility>

#include "conversations/rooms_steps.hpp"

namespace chatrelay::conversations {

namespace {

void accept(RoomView& room, const MessageView& message) {
  if (room.status == "queued" || room.status == "bot") room.status = "active";
  if (room.agent) return;
  Serving serving = serving_of(Agent{message.author.id, message.author.name, std::nullopt}, message.author_username);
  room.agent = std::move(serving.agent);
  room.agent_username = std::move(serving.username);
}

}  // namespace

Answer<PostedMessage> say(store::Transaction& tx, const Say& command) {
  const Call& call = command.call;
  std::optional<Place> found = find_place(tx, call, command.room_id);
  if (!found) return Refusal::unknown_room;
  RoomState& room = found->room;
  if (const std::optional<store::OwnMessage> said = tx.message(call.source, command.id)) {
    if (said->room != room.view.pk || said->from_visitor) return Refusal::id_taken;
    return PostedMessage{view(*said, room.view.id), std::move(found->visitor), std::move(room.view)};
  }
  if (!room.view.open) return Refusal::room_closed;
  if (!is_free_message_id(tx, call, command.id)) return Refusal::id_taken;

  MessageView message;
  message.id = command.id;
  message.text = kept(command.text, message_bytes_max);
  message.author = our_author(command.author);
  message.author_username = kept(command.author_username, name_bytes_max);
  message.from_visitor = false;
  message.audience = command.audience == "agents" ? "agents" : "all";
  message.hidden = command.hidden;
  const bool is_heard = message.audience == "all";
  if (message.author.role != "system" && is_heard) note_answer(room, call);
  if (command.accepts && is_heard && message.author.role == "agent") accept(room.view, message);
  add_message(tx, call, room, message);

  Event event = event_of(event_type::incoming_event, call, found->visitor, &room);
  event.occurred_at = message.sent_at;
  event.message = message_of(message);
  const bool serves = event.agent && event.agent->id == message.author.id;
  if (message.author.role == "agent" && message.author.id && !serves && is_heard)
    event.agent = Agent{message.author.id, message.author.name, std::nullopt};
  tell(tx, call, std::move(event));
  return PostedMessage{std::move(message), std::move(found->visitor), std::move(room.view)};
}

Answer<OpenedRoom> assign(store::Transaction& tx, const Assign& command) {
  const Call& call = command.call;
  std::optional<Place> found = find_place(tx, call, command.room_id);
  if (!found) return Refusal::unknown_room;
  RoomState& room = found->room;
  if (!room.view.open) return Refusal::room_closed;
  const Serving serving = serving_of(command.agent, command.agent_username);
  if (room.view.agent && room.view.agent->id == serving.agent.id)
    return OpenedRoom{std::move(room.view), std::move(found->visitor), false};
  room.view.agent = serving.agent;
  room.view.agent_username = serving.username;
  put(tx, call, room);
  tell(tx, call, event_of(event_type::user_added_to_chat, call, found->visitor, &room));
  return OpenedRoom{std::move(room.view), std::move(found->visitor), true};
}

Answer<OpenedRoom> end_room(store::Transaction& tx, const EndRoom& command) {
  const Call& call = command.call;
  std::optional<Place> found = find_place(tx, call, command.room_id);
  if (!found) return Refusal::unknown_room;
  RoomState& room = found->room;
  if (!room.view.open) return OpenedRoom{std::move(room.view), std::move(found->visitor), false};
  if (!is_free_message_id(tx, call, command.new_message_id)) return Refusal::id_taken;
  Ending ending;
  ending.comment = command.comment;
  ending.message_id = command.new_message_id;
  ending.author = our_author(command.author);
  ending.closed_by = ending.author.role == "agent" ? "agent" : "system";
  finish_room(tx, call, found->visitor, room, ending);
  return OpenedRoom{std::move(room.view), std::move(found->visitor), true};
}

}  // namespace chatrelay::conversations
