#include "systems/rocketchat/endpoints/visitor_handlers.hpp"

#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/rocketchat/endpoints/custom_fields.hpp"
#include "systems/rocketchat/endpoints/meteor_check.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

using Kind = MeteorPattern::Kind;

const MeteorPattern text{};

const MeteorPattern custom_pattern{
    Kind::array,
    true,
    {{"key", false, text}, {"value", false, text}, {"overwrite", false, {Kind::boolean, false, {}}}}};

const MeteorPattern save_pattern{Kind::object,
                                 false,
                                 {{"visitor",
                                   false,
                                   {Kind::object,
                                    true,
                                    {{"token", false, text},
                                     {"name", true, text},
                                     {"email", true, text},
                                     {"department", true, text},
                                     {"phone", true, text},
                                     {"username", true, text},
                                     {"customFields", true, custom_pattern}}}}}};

const MeteorPattern status_pattern{Kind::object, false, {{"token", false, text}, {"status", false, text}}};

// Limit: UTF-16 units. Rocket.Chat has none; these are beyond what people and their tools have.
struct Longest {
  std::string_view key;
  std::size_t units;
};
constexpr Longest longest[] = {{"name", 256}, {"email", 254}, {"phone", 64}, {"username", 64}, {"department", 128}};
constexpr std::size_t token_bytes_max = 256;
constexpr std::size_t status_units_max = 64;

http::Response too_long(std::string_view key, std::size_t units) {
  return meteor_failure("error-invalid-params",
                        std::string(key) + " is longer than " + std::to_string(units) + " characters");
}

std::optional<http::Response> fault_of_visitor(const json::value& said) {
  if (trim(strict_string_at(said, "token").value_or("")).empty()) {
    json::object details;
    details["method"] = "livechat/visitor";
    return meteor_failure("error-invalid-token", "Token cannot be empty", std::move(details));
  }
  // What an index holds is counted in bytes.
  if (strict_string_at(said, "token").value_or("").size() > token_bytes_max)
    return meteor_failure("error-invalid-params", "token is longer than " + std::to_string(token_bytes_max) + " bytes");
  for (const Longest& each : longest)
    if (utf16_length(strict_string_at(said, each.key).value_or("")) > each.units) return too_long(each.key, each.units);
  return std::nullopt;
}

// What is blank says nothing.
std::optional<std::string> said_text(const json::value& said, std::string_view key) {
  std::optional<std::string> value = strict_string_at(said, key);
  if (value) value = std::string(trim(*value));
  return value && !value->empty() ? value : std::nullopt;
}

conversations::SaveVisitor save_command(const Api& api, const Ask& ask, const json::value& said) {
  conversations::SaveVisitor command;
  command.call = api.call(ask);
  command.token = strict_string_at(said, "token").value_or("");
  command.new_id = new_id();
  command.username = said_text(said, "username");
  command.name = said_text(said, "name");
  command.email = said_text(said, "email");
  command.phone = said_text(said, "phone");
  command.department = said_text(said, "department");
  if (!ask.address().empty()) command.ip = ask.address();
  if (std::string agent = ask.user_agent(); !agent.empty()) command.user_agent = std::move(agent);
  return command;
}

awaitable<http::Response> save(Api& api, Ask& ask) {
  if (const auto fault = meteor_fault(save_pattern, ask.input)) co_return failure(*fault);
  const json::value& said = ask.input.get_object().at("visitor");
  if (auto fault = fault_of_visitor(said)) co_return std::move(*fault);
  conversations::SaveVisitor command = save_command(api, ask, said);
  if (const json::value* fields = find(said, "customFields"); fields != nullptr && !fields->get_array().empty()) {
    const auto stored = api.reader().own_visitor(api.source(), command.token);
    if (!stored) co_return broken(stored.error());
    json::object known;
    if (*stored) known = conversations::view(**stored).custom;
    command.custom = taken_custom_fields(read_custom_fields(fields->get_array()), known);
  }
  auto pending = api.run(std::move(command), &conversations::save_visitor);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return refused(answer->refusal);
  json::object fields;
  fields["visitor"] = visitor_record(*answer->value);
  co_return success(std::move(fields));
}

// These routes throw Meteor.Error where the others throw Error: "[invalid-token]".
http::Response visitor_refused(conversations::Refusal refusal) {
  using conversations::Refusal;
  if (refusal == Refusal::unknown_visitor) return meteor_failure("invalid-token");
  if (refusal == Refusal::rooms_open)
    return meteor_failure("visitor-has-open-rooms", "Cannot remove visitors with opened rooms");
  return refused(refusal);
}

awaitable<http::Response> show(Api& api, Ask& ask) {
  const auto stored = api.reader().own_visitor(api.source(), ask.capture("token"));
  if (!stored) co_return broken(stored.error());
  if (!*stored) co_return visitor_refused(conversations::Refusal::unknown_visitor);
  json::object fields;
  fields["visitor"] = visitor_record(conversations::view(**stored));
  co_return success(std::move(fields));
}

awaitable<http::Response> remove(Api& api, Ask& ask) {
  conversations::ByToken command;
  command.call = api.call(ask);
  command.token = ask.capture("token");
  auto pending = api.run(std::move(command), &conversations::remove_visitor);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return visitor_refused(answer->refusal);
  json::object visitor;
  visitor["_id"] = answer->value->id;
  visitor["ts"] = format_rfc3339(ask.now);
  json::object fields;
  fields["visitor"] = std::move(visitor);
  co_return success(std::move(fields));
}

// For operators: the open rooms, without the token.
awaitable<http::Response> rooms(Api& api, Ask& ask) {
  const auto stored = api.reader().own_visitor(api.source(), ask.capture("token"));
  if (!stored) co_return broken(stored.error());
  json::array open;
  if (*stored) {
    const conversations::VisitorView visitor = conversations::view(**stored);
    const auto limit = static_cast<std::size_t>(api.serving().rooms_per_visitor);
    const auto all = api.reader().own_rooms(visitor.pk, limit);
    if (!all) co_return broken(all.error());
    for (const store::OwnRoom& room : *all)
      if (room.open) open.push_back(room_record(conversations::view(room), visitor, false));
  }
  json::object fields;
  fields["rooms"] = std::move(open);
  co_return success(std::move(fields));
}

awaitable<http::Response> set_status(Api& api, Ask& ask) {
  if (const auto fault = meteor_fault(status_pattern, ask.input)) co_return failure(*fault);
  conversations::SetStatus command;
  command.call = api.call(ask);
  command.token = ask.string("token");
  command.status = ask.string("status");
  if (utf16_length(command.status) > status_units_max) co_return too_long("status", status_units_max);
  json::object fields;
  fields["token"] = command.token;
  fields["status"] = command.status;
  auto pending = api.run(std::move(command), &conversations::set_status);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(answer.error());
  if (!*answer) co_return visitor_refused(answer->refusal);
  co_return success(std::move(fields));
}

Route route(std::string_view method, std::string_view pattern, RouteHandler handler, Limit limit) {
  Route made;
  made.method = method;
  made.pattern = pattern;
  made.handler = handler;
  made.limit = limit;
  return made;
}

}  // namespace

std::vector<Route> visitor_routes() {
  std::vector<Route> routes{
      route("POST", "visitor", save, Limit::visitor),
      route("GET", "visitor/{token}", show, Limit::standard),
      route("DELETE", "visitor/{token}", remove, Limit::standard),
      route("GET", "visitor/{token}/room", rooms, Limit::standard),
      route("POST", "visitor.status", set_status, Limit::standard),
  };
  routes[3].operators_only = true;
  for (Route& each : visitor_data_routes()) routes.push_back(each);
  return routes;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
