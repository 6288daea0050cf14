// Commands about the visitor's room: opening, closing, what the visitor thinks of it, its transcript.
#include <algorithm>
#include <utility>

#include "common/text.hpp"
#include "conversations/rooms_steps.hpp"

namespace chatrelay::conversations {

namespace {

std::optional<std::string> answer_of(const json::object& survey, std::string_view name) {
  const json::value* answer = survey.if_contains(name);
  if (!answer || !answer->is_string()) return std::nullopt;
  return std::string(answer->get_string());
}

std::optional<Rating> rating_of(const json::object& survey) {
  Rating rating;
  rating.scale = 5;
  const std::optional<std::string> satisfaction = answer_of(survey, "satisfaction");
  if (satisfaction && satisfaction->size() == 1 && *satisfaction >= "1" && *satisfaction <= "5")
    rating.score = (*satisfaction)[0] - '0';
  rating.comment = answer_of(survey, "additionalFeedback");
  if (!rating.score && !rating.comment) return std::nullopt;
  return rating;
}

// The later answer wins. An answer over a limit is not kept.
bool merge_answers(json::object& survey, const std::vector<std::pair<std::string, std::string>>& answers) {
  bool is_news = false;
  std::size_t bytes = json::serialize(survey).size();
  for (const auto& [name, value] : answers) {
    const std::string key = kept(name, id_bytes_max);
    std::string answer = kept(value, text_bytes_max);
    const json::value* known = survey.if_contains(key);
    if (known && known->is_string() && known->get_string() == answer) continue;
    if (!known && survey.size() >= survey_answers_max) continue;
    const std::size_t more = json::serialize(json::value(key)).size() + json::serialize(json::value(answer)).size() + 2;
    if (bytes + more > survey_bytes_max) continue;
    bytes += more;
    survey.insert_or_assign(key, std::move(answer));
    is_news = true;
  }
  return is_news;
}

}  // namespace

Answer<OpenedRoom> open_room(store::Transaction& tx, const OpenRoom& command) {
  const Call& call = command.call;
  const std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  if (!command.room_id.empty()) {
    const std::optional<RoomState> room = find_room(tx, call, *visitor, command.room_id);
    if (!room || !room->view.open) return Refusal::unknown_room;
    return OpenedRoom{room->view, *visitor, false};
  }
  if (const std::optional<RoomState> room = oldest_open_room(tx, *visitor))
    return OpenedRoom{room->view, *visitor, false};
  if (tx.count_rooms(visitor->pk, command.rooms_max) >= command.rooms_max) return Refusal::too_many_rooms;
  if (!is_free_room_id(tx, call, command.new_id) || !is_free_message_id(tx, call, command.new_message_id))
    return Refusal::id_taken;
  const Opening opening{command.new_id, command.new_message_id, command.origin, command.agent, command.agent_username};
  const RoomState room = begin_room(tx, call, *visitor, opening);
  return OpenedRoom{room.view, *visitor, true};
}

Answer<OpenedRoom> close_room(store::Transaction& tx, const CloseRoom& command) {
  const Call& call = command.call;
  const std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  std::optional<RoomState> room = find_room(tx, call, *visitor, command.room_id);
  if (!room) return Refusal::unknown_room;
  if (!room->view.open) return Refusal::room_closed;
  if (!is_free_message_id(tx, call, command.new_message_id)) return Refusal::id_taken;
  Ending ending;
  ending.comment = command.comment;
  ending.message_id = command.new_message_id;
  ending.author = Author{visitor->id, visitor->name, "visitor"};
  ending.username = visitor->username;
  ending.closed_by = "visitor";
  finish_room(tx, call, *visitor, *room, ending);
  return OpenedRoom{room->view, *visitor, true};
}

Answer<OpenedRoom> take_survey(store::Transaction& tx, const TakeSurvey& command) {
  const Call& call = command.call;
  const std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  std::optional<RoomState> room = find_room(tx, call, *visitor, command.room_id);
  if (!room) return Refusal::unknown_room;
  const std::optional<Rating> before = rating_of(room->survey);
  if (!merge_answers(room->survey, command.answers)) return OpenedRoom{room->view, *visitor, false};
  put(tx, call, *room);
  Event event = event_of(event_type::chat_rated, call, *visitor, &*room);
  // A rating told twice counts as no event (folding); other answers beside it are one.
  const std::optional<Rating> rating = rating_of(room->survey);
  if (rating != before) event.chat->rating = rating;
  event.activity["survey"] = room->survey;
  tell(tx, call, std::move(event));
  return OpenedRoom{room->view, *visitor, false};
}

Answer<OpenedRoom> send_transcript(store::Transaction& tx, const SendTranscript& command) {
  const Call& call = command.call;
  const std::optional<VisitorView> visitor = find_visitor(tx, call, command.token);
  if (!visitor) return Refusal::unknown_visitor;
  const std::optional<RoomState> room = find_room(tx, call, *visitor, command.room_id);
  if (!room) return Refusal::unknown_room;
  Event event = event_of("transcript_requested", call, *visitor, &*room);
  event.activity["destination"] = command.destination;
  if (const json::object* mail = command.with.if_object())
    if (const json::value* to = mail->if_contains("to")) event.activity["to"] = *to;
  const EventSeq seq = tell(tx, call, std::move(event));
  store::NewDelivery delivery;
  delivery.destination = command.destination;
  // Not the chat's lane: what the chat's events have yet to be planned for would come behind it there.
  delivery.lane = lane_of(command.destination, call.source, room->view.id + "\ntranscript");
  delivery.payload = json::serialize(command.with);
  tx.deliver(seq, delivery, call.now);
  return OpenedRoom{room->view, *visitor, false};
}

}  // namespace chatrelay::conversations
