// GET config: what a chat window wants to know before it opens. What we do not do (uploads, calls, triggers, custom
// fields to fill in) is said to be off, so that clients do not offer it.
#include <algorithm>

#include "systems/rocketchat/endpoints/survey.hpp"
#include "systems/rocketchat/endpoints/takers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

Property optional_text(std::string_view name) {
  Property property;
  property.name = name;
  property.nullable = true;
  return property;
}

Schema config_query() {
  Schema schema{{optional_text("token"), optional_text("department"), optional_text("businessUnit")}};
  schema.wraps_arrays = true;
  return schema;
}
const Schema config_schema = config_query();

json::object settings_of(const Serving& serving, bool offline_form) {
  json::object settings;
  settings["registrationForm"] = serving.registration_form;
  settings["allowSwitchingDepartments"] = false;
  settings["nameFieldRegistrationForm"] = serving.name_field;
  settings["emailFieldRegistrationForm"] = serving.email_field;
  settings["displayOfflineForm"] = offline_form;
  settings["videoCall"] = false;
  settings["fileUpload"] = false;
  settings["language"] = serving.language;
  settings["transcript"] = !serving.transcript_to.empty();
  settings["historyMonitorType"] = "url";
  settings["forceAcceptDataProcessingConsent"] = false;
  settings["showConnecting"] = false;
  settings["agentHiddenInfo"] = false;
  settings["clearLocalStorageWhenChatEnded"] = false;
  settings["limitTextLength"] = serving.message_length_max;
  return settings;
}

json::object theme_of(const Serving& serving) {
  json::object theme;
  theme["title"] = serving.title;
  theme["color"] = serving.color;
  theme["offlineTitle"] = serving.offline_title;
  theme["offlineColor"] = serving.offline_color;
  theme["position"] = "right";
  json::object links;
  links["webrtc"] = json::array();
  links["jitsi"] = json::array();
  theme["actionLinks"] = std::move(links);
  return theme;
}

json::object messages_of(const Serving& serving) {
  json::object messages;
  messages["offlineMessage"] = serving.offline_welcome;
  messages["offlineSuccessMessage"] = serving.offline_success;
  messages["offlineUnavailableMessage"] = "";
  messages["conversationFinishedMessage"] = "";
  messages["conversationFinishedText"] = "";
  messages["transcriptMessage"] = "";
  messages["registrationFormMessage"] = serving.welcome;
  messages["dataProcessingConsentText"] = "";
  return messages;
}

json::object survey_of_chats() {
  json::object survey;
  json::array items, values;
  for (const std::string_view question : survey_questions) items.emplace_back(question);
  for (const std::string_view value : survey_values) values.emplace_back(value);
  survey["items"] = std::move(items);
  survey["values"] = std::move(values);
  return survey;
}

json::array departments_of(const Serving& serving) {
  json::array departments;
  for (const std::string& name : serving.departments) {
    json::object department;
    department["_id"] = name;
    department["name"] = name;
    department["showOnRegistration"] = true;
    department["showOnOfflineForm"] = true;
    departments.push_back(std::move(department));
  }
  return departments;
}

json::object resources() {
  json::object resources;
  resources["sound"] = "";
  resources["emojis"] = json::array();
  return resources;
}

// Only what a client needs to go on with it.
json::object open_room_of(const conversations::RoomView& room) {
  json::object shown;
  shown["_id"] = room.id;
  shown["open"] = true;
  if (room.department) shown["departmentId"] = *room.department;
  if (room.agent) shown["servedBy"] = agent_record(*room.agent, room.agent_username);
  return shown;
}

// guest, room and agent: what is known of who asks. A token that nobody has is no error here.
Result<bool> add_guest(Api& api, const std::string& token, json::object& config) {
  const auto stored = api.reader().own_visitor(api.source(), token);
  if (!stored) return stored.error();
  if (!*stored) return false;
  config["guest"] = visitor_record(conversations::view(**stored));
  const auto limit = static_cast<std::size_t>(api.serving().rooms_per_visitor);
  const auto rooms = api.reader().own_rooms((*stored)->pk, limit);
  if (!rooms) return rooms.error();
  // Newest first, and the oldest open room is the one that GET room gives.
  const auto oldest =
      std::find_if(rooms->rbegin(), rooms->rend(), [](const store::OwnRoom& room) { return room.open; });
  if (oldest == rooms->rend()) return true;
  const conversations::RoomView room = conversations::view(*oldest);
  config["room"] = open_room_of(room);
  if (room.agent) config["agent"] = agent_record(*room.agent, room.agent_username);
  return true;
}

awaitable<http::Response> show(Api& api, Ask& ask) {
  const Serving& serving = api.serving();
  const Result<bool> form = serving.offline ? has_taker(api, event_type::offline_message) : Result<bool>(false);
  if (!form) co_return broken(form.error());
  // There is no schedule to go by: we are there when a visitor's message would reach somebody.
  const Result<bool> online = has_taker(api, event_type::incoming_event);
  if (!online) co_return broken(online.error());
  json::object config;
  config["enabled"] = true;
  config["settings"] = settings_of(serving, *form);
  config["theme"] = theme_of(serving);
  config["messages"] = messages_of(serving);
  config["survey"] = survey_of_chats();
  config["triggers"] = json::array();
  config["departments"] = departments_of(serving);
  config["resources"] = resources();
  config["online"] = *online;
  config["customFields"] = json::array();
  if (const std::string token = ask.string("token"); !token.empty()) {
    const Result<bool> added = add_guest(api, token, config);
    if (!added) co_return broken(added.error());
  }
  json::object fields;
  fields["config"] = std::move(config);
  co_return success(std::move(fields));
}

}  // namespace

std::vector<Route> config_routes() {
  Route route;
  route.method = "GET";
  route.pattern = "config";
  route.handler = show;
  route.schema = &config_schema;
  route.shape = Shape::typed;
  return {route};
}

}  // namespace chatrelay::systems::rocketchat::endpoints
