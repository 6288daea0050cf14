// GET room, POST room.close, POST room.survey. A closed room stays closed: asking for it by its rid is invalid-room.
#include "systems/rocketchat/endpoints/agent_handlers.hpp"
#include "systems/rocketchat/endpoints/meteor_check.hpp"
#include "systems/rocketchat/endpoints/survey.hpp"
#include "systems/rocketchat/endpoints/transcript_handlers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

const MeteorPattern text{};
const MeteorPattern room_pattern{
    MeteorPattern::Kind::object, false, {{"token", false, text}, {"rid", true, text}, {"agentId", true, text}}};

Property required(std::string_view name) {
  Property property;
  property.name = name;
  property.required = true;
  return property;
}

Property list_of(std::string_view name, const Schema& inner) {
  Property property = required(name);
  property.kind = Property::Kind::array;
  property.inner = &inner;
  return property;
}

const Schema close_schema{{required("token"), required("rid")}};
const Schema survey_answer_schema{{required("name"), required("value")}};
const Schema survey_schema{{required("token"), required("rid"), list_of("data", survey_answer_schema)}};

// We know no agents beforehand, so `agentId` picks none (Rocket.Chat, too, passes over agents it does not know); rules
// see it in the event's `raw`.
awaitable<http::Response> open(Api& api, Ask& ask) {
  if (const auto fault = meteor_fault(room_pattern, ask.input)) co_return failure(*fault);
  conversations::OpenRoom command;
  command.call = api.call(ask);
  command.token = ask.string("token");
  command.room_id = ask.string("rid");  // published clients send "rid=" for none
  command.new_id = new_id();
  command.new_message_id = new_id();
  command.origin = ask.is_widget() ? "widget" : "api";
  command.rooms_max = static_cast<std::size_t>(api.serving().rooms_per_visitor);
  auto pending = api.run(std::move(command), &conversations::open_room);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return refused(answer->refusal);
  const conversations::OpenedRoom& opened = *answer->value;
  if (opened.is_new) api.ring(opened.room.id);
  json::object fields;
  fields["room"] = room_record(opened.room, opened.visitor);
  fields["newRoom"] = opened.is_new;
  co_return success(std::move(fields));
}

awaitable<http::Response> close(Api& api, Ask& ask) {
  conversations::CloseRoom command;
  command.call = api.call(ask);
  command.token = ask.string("token");
  command.room_id = ask.string("rid");
  command.comment = api.serving().closed_comment;
  command.new_message_id = new_id();
  auto pending = api.run(std::move(command), &conversations::close_room);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return refused(answer->refusal);
  api.ring(answer->value->room.id);
  json::object fields;
  fields["rid"] = answer->value->room.id;
  fields["comment"] = api.serving().closed_comment;
  co_return success(std::move(fields));
}

awaitable<http::Response> take_survey(Api& api, Ask& ask) {
  Known known;
  const std::string token = ask.string("token");
  const std::string rid = ask.string("rid");
  if (auto no = api.find(token, rid, known)) co_return std::move(*no);
  conversations::TakeSurvey command;
  command.answers = survey_answers(ask.input.get_object().at("data").get_array());
  if (command.answers.empty()) co_return failure("invalid-data");
  json::object data;
  for (const auto& [name, value] : command.answers) {
    if (api.is_too_long(value)) co_return failure("message-length-exceeds-character-limit");
    data[name] = value;
  }
  command.call = api.call(ask);
  command.token = token;
  command.room_id = rid;
  auto pending = api.run(std::move(command), &conversations::take_survey);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return refused(answer->refusal);
  json::object fields;
  fields["rid"] = rid;
  fields["data"] = std::move(data);
  co_return success(std::move(fields));
}

}  // namespace

std::vector<Route> room_routes() {
  Route room;
  room.method = "GET";
  room.pattern = "room";
  room.handler = open;
  room.limit = Limit::room;
  std::vector<Route> routes{room, route("POST", "room.close", close, &close_schema),
                            route("POST", "room.survey", take_survey, &survey_schema)};
  for (Route& each : agent_routes()) routes.push_back(each);
  for (Route& each : transcript_routes()) routes.push_back(each);
  return routes;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
