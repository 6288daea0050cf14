#include "systems/livehelperchat/livehelperchat_decode.hpp"

#include "systems/livehelperchat/livehelperchat_body.hpp"
#include "systems/livehelperchat/livehelperchat_events.hpp"
#include "systems/livehelperchat/livehelperchat_objects.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::livehelperchat {

namespace {

// What a decoder of one kind of event works on.
struct Decoding {
  const Parts& parts;
  const StoredWebhook& webhook;
  Event& event;
};

// --- people

// The operator whom the event names, else who wrote, else whom the chat is assigned to (`user_id` of a chat, which is
// not that of a message).
void read_operator(Decoding& d) {
  Event& event = d.event;
  event.agent = read_agent(d.parts.agent);
  if (event.agent) return;
  if (event.message && event.message->author.role == "agent" && event.message->author.id) {
    event.agent = Agent{event.message->author.id, event.message->author.name, std::nullopt};
    return;
  }
  const auto assigned = event.chat ? int_at(d.parts.chat, "user_id") : std::nullopt;
  if (assigned && *assigned > 0) event.agent = Agent{std::to_string(*assigned), std::nullopt, std::nullopt};
}

void read_people(Decoding& d) {
  Event& event = d.event;
  event.visitor = read_visitor(d.parts.visitor);
  if (!event.visitor) event.visitor = read_visitor_of_chat(d.parts.chat);
  if (event.message && event.message->author.role == "visitor" && event.visitor) {
    if (!event.message->author.id) event.message->author.id = event.visitor->id;
    if (!event.message->author.name) event.message->author.name = event.visitor->name;
  }
  read_operator(d);
}

// --- what only some events say

void end_chat(Decoding& d) {
  d.event.type = event_type::chat_deactivated;
  if (!d.event.chat) return;
  Chat& chat = *d.event.chat;
  chat.status = "closed";
  if (!chat.ended_at) chat.ended_at = time_of(d.parts.chat, "cls_time");
  if (!chat.ended_at) chat.ended_at = d.webhook.received_at;  // the webhook is sent at once
  d.event.occurred_at = chat.ended_at;
}

void rate(Decoding& d) {
  const auto score = number_at(d.parts.rating, "score");
  if (!score || !d.event.chat) return;
  Rating rating;
  rating.score = score;
  rating.scale = number_at(d.parts.rating, "scale");
  if (!rating.scale || *rating.scale <= 0) rating.scale = 5;  // stars, unless the survey has more or fewer
  if (const json::value* comment = find(d.parts.rating, "comment")) rating.comment = scalar_text(*comment);
  d.event.chat->rating = std::move(rating);
  d.event.type = event_type::chat_rated;
}

// `hide_online` of an operator: whether they are out of the list of those who take chats.
void tell_agent_status(Decoding& d) {
  const auto hidden = int_at(d.parts.agent, "hide_online");
  const json::value* told = find(d.parts.agent, "hide_online");
  const bool known = hidden || (told && told->is_bool());
  if (!known) return;
  const bool away = hidden ? *hidden != 0 : told->get_bool();
  d.event.activity["status"] = away ? "not_accepting_chats" : "accepting_chats";
}

void say_more(Decoding& d, Kind kind) {
  Event& event = d.event;
  switch (kind) {
    case Kind::begun:
      if (event.chat && !event.chat->status) event.chat->status = "queued";
      if (event.chat && event.chat->started_at) event.occurred_at = event.chat->started_at;
      break;
    case Kind::ended:
      end_chat(d);
      break;
    case Kind::left:
      if (event.chat && event.chat->status == "closed") end_chat(d);
      break;
    case Kind::accepted:
      if (event.chat && !event.chat->status) event.chat->status = "active";
      break;
    case Kind::message_edited:
      if (event.message && !event.message->edited_at) event.message->edited_at = d.webhook.received_at;
      event.occurred_at = d.webhook.received_at;
      break;
    case Kind::rated:
      rate(d);
      break;
    case Kind::agent_status:
      tell_agent_status(d);
      break;
    case Kind::activity:
      if (event.visitor && event.visitor->page.url)
        event.activity["page"] = json::object{{"url", *event.visitor->page.url}};
      break;
    default:
      break;
  }
}

void read_chat_of(Decoding& d) {
  d.event.chat = read_chat(d.parts.chat);
  if (d.event.chat || is_made_up(d.parts.chat)) return;
  if (const json::value* id = find(d.parts.message, "chat_id")) d.event.chat = read_chat(*id);
}

}  // namespace

Event decode_livehelperchat(const StoredWebhook& webhook, Map& map) {
  auto payload = payload_of(webhook.body, webhook.content_type);
  if (!payload.has_value()) return undecodable(webhook, payload.error().message);
  const auto parts = map.find(*payload);
  if (!parts.has_value()) {  // half an event would be worse than none: rules would act on what is missing
    Event failed = undecodable(webhook, parts.error().message);
    failed.raw = std::move(*payload);
    return failed;
  }
  Event event;
  const EventName name = event_named(parts->event, !parts->message.is_null());
  event.message = read_message(parts->message, name.speaker);
  event.type = name.type ? name.type : parts->event;
  Decoding decoding{*parts, webhook, event};
  read_chat_of(decoding);
  read_people(decoding);
  if (event.message) event.occurred_at = event.message->sent_at;
  say_more(decoding, name.kind);
  if (const auto told = time_of(parts->occurred_at)) event.occurred_at = told;
  if (event.message && !event.message->sent_at) event.message->sent_at = event.occurred_at;
  event.raw = std::move(*payload);
  return event;
}

}  // namespace chatrelay::systems::livehelperchat
