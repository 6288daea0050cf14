// message and message/:_id: what a visitor says, changes and takes back.
#include <algorithm>
#include <utility>

#include "systems/rocketchat/endpoints/api.hpp"
#include "systems/rocketchat/endpoints/message_schemas.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

http::Response too_long() {
  return failure("message-length-exceeds-character-limit");
}

http::Response shown(const conversations::MessageView& message, std::string_view token) {
  json::object fields;
  fields["message"] = message_record(message, token);
  return success(std::move(fields));
}

// A text that is too long never reaches the store, but what is wrong before it in the order of checks is told first.
http::Response refuse_long_post(Api& api, const Ask& ask) {
  Known known;
  const std::string token = ask.string("token");
  const std::string room = ask.string("rid");
  if (auto failed = api.find(token, room, known)) return std::move(*failed);
  if (!known.room.open) return refused(conversations::Refusal::room_closed);
  return too_long();
}

// The member `agent` names who shall serve a room that the message opens; a message never opens one here.
awaitable<http::Response> post_message(Api& api, Ask& ask) {
  std::string text = ask.string("msg");
  if (api.is_too_long(text)) co_return refuse_long_post(api, ask);
  const std::string token = ask.string("token");
  conversations::PostMessage command{api.call(ask),     token,    ask.string("rid"),
                                     ask.string("_id"), new_id(), std::move(text)};
  auto pending = api.run(std::move(command), &conversations::post_message);
  const auto posted = co_await std::move(pending);
  if (!posted) co_return broken(posted.error());
  if (!*posted) co_return refused(posted->refusal);
  api.ring(posted->value->room.id);
  co_return shown(posted->value->message, token);
}

// nullopt with `failed` set: what to answer instead.
std::optional<store::OwnMessage> read_message(Api& api, const std::string& id, const conversations::RoomView* room,
                                              http::Response& failed) {
  auto message = api.reader().own_message(api.source(), id);
  if (!message) {
    failed = broken(message.error());
    return std::nullopt;
  }
  if (!*message || (room && (**message).room != room->pk)) {
    failed = refused(conversations::Refusal::unknown_message);
    return std::nullopt;
  }
  return std::move(*message);
}

awaitable<http::Response> get_message(Api& api, Ask& ask) {
  Known known;
  const std::string token = ask.string("token");
  const std::string room = ask.string("rid");
  if (auto failed = api.find(token, room, known)) co_return std::move(*failed);
  http::Response failed;
  const auto message = read_message(api, ask.capture("id"), &known.room, failed);
  if (!message) co_return failed;
  co_return shown(conversations::view(*message, known.room.id), token);
}

http::Response refuse_long_edit(Api& api, const Ask& ask) {
  Known known;
  const std::string token = ask.string("token");
  const std::string room = ask.string("rid");
  if (auto failed = api.find(token, room, known)) return std::move(*failed);
  http::Response failed;
  const auto message = read_message(api, ask.capture("id"), nullptr, failed);
  if (!message) return failed;
  // Any room of the visitor will do, as for an edit that fits.
  const auto rooms =
      api.reader().own_rooms(known.visitor.pk, static_cast<std::size_t>(api.serving().rooms_per_visitor));
  if (!rooms) return broken(rooms.error());
  const bool own =
      std::any_of(rooms->begin(), rooms->end(), [&](const store::OwnRoom& each) { return each.pk == message->room; });
  if (!own) return refused(conversations::Refusal::unknown_message);
  return message->from_visitor ? too_long() : refused(conversations::Refusal::not_yours);
}

awaitable<http::Response> edit_message(Api& api, Ask& ask) {
  const std::string& id = ask.capture("id");
  // Old clients repeat the path's id in the body.
  if (ask.input.is_object() && ask.optional_string("_id") == id) ask.input.get_object().stable_erase("_id");
  if (auto failed = misfit(put_schema(), ask)) co_return std::move(*failed);
  std::string text = ask.string("msg");
  if (api.is_too_long(text)) co_return refuse_long_edit(api, ask);
  const std::string token = ask.string("token");
  conversations::EditMessage command{api.call(ask), token, ask.string("rid"), id, std::move(text)};
  auto pending = api.run(std::move(command), &conversations::edit_message);
  const auto edited = co_await std::move(pending);
  if (!edited) co_return broken(edited.error());
  if (!*edited) co_return refused(edited->refusal);
  api.ring(edited->value->room.id);
  co_return shown(edited->value->message, token);
}

http::Response tell_deleted(Api& api, const Ask& ask,
                            const Result<conversations::Answer<conversations::PostedMessage>>& gone) {
  if (!gone) return broken(gone.error());
  if (!*gone) return refused(gone->refusal);
  api.ring(gone->value->room.id);
  json::object message;
  message["_id"] = gone->value->message.id;
  message["ts"] = format_rfc3339(ask.now);  // of the deletion
  json::object fields;
  fields["message"] = std::move(message);
  return success(std::move(fields));
}

// Clients of the 0.70 documentation send no body: the id alone, which nobody can guess, has to do. Whatever is in the
// way, the answer is the one that they would get if this did not exist.
awaitable<http::Response> delete_by_capability(Api& api, Ask& ask) {
  using Apply = conversations::Answer<conversations::PostedMessage> (*)(store::Transaction&,
                                                                        const conversations::DeleteByCapability&);
  const Apply apply = &conversations::delete_message;
  conversations::DeleteByCapability command{api.call(ask), ask.capture("id"), api.serving().delete_window};
  auto pending = api.run(std::move(command), apply);
  const auto gone = co_await std::move(pending);
  if (gone && !*gone) co_return refused(conversations::Refusal::not_capable);
  co_return tell_deleted(api, ask, gone);
}

awaitable<http::Response> delete_message(Api& api, Ask& ask) {
  if (!api.serving().strict && ask.request().message.body().empty()) {
    auto by_id = delete_by_capability(api, ask);
    co_return co_await std::move(by_id);
  }
  if (auto failed = misfit(delete_schema(), ask)) co_return std::move(*failed);
  using Apply =
      conversations::Answer<conversations::PostedMessage> (*)(store::Transaction&, const conversations::DeleteMessage&);
  const Apply apply = &conversations::delete_message;
  conversations::DeleteMessage command{api.call(ask), ask.string("token"), ask.string("rid"), ask.capture("id")};
  auto pending = api.run(std::move(command), apply);
  const auto gone = co_await std::move(pending);
  co_return tell_deleted(api, ask, gone);
}

}  // namespace

std::vector<Route> message_routes() {
  return {{"POST", "message", &post_message, Limit::message, &post_schema()},
          {"GET", "message/{id}", &get_message, Limit::standard, &get_schema()},
          {"PUT", "message/{id}", &edit_message, Limit::message},
          {"DELETE", "message/{id}", &delete_message, Limit::message}};
}

}  // namespace chatrelay::systems::rocketchat::endpoints
