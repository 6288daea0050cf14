#include "systems/rocketchat/endpoints/agent_handlers.hpp"

#include <algorithm>

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

Property optional_text(std::string_view name) {
  Property property;
  property.name = name;
  property.nullable = true;
  return property;
}

Schema next_query() {
  Schema schema{{optional_text("department")}};
  schema.wraps_arrays = true;
  return schema;
}
const Schema next_schema = next_query();

awaitable<http::Response> show(Api& api, Ask& ask) {
  Known known;
  const std::string& token = ask.capture("token");
  const std::string& rid = ask.capture("rid");
  if (auto no = api.find(token, rid, known)) co_return std::move(*no);
  if (!known.room.agent) co_return failure("invalid-agent");
  json::object fields;
  fields["agent"] = agent_record(*known.room.agent, known.room.agent_username);
  co_return success(std::move(fields));
}

// Whose chat is open already needs no next agent: success without one. Like Rocket.Chat this asks nobody who they are.
awaitable<http::Response> next(Api& api, Ask& ask) {
  const auto visitor = api.reader().own_visitor(api.source(), ask.capture("token"));
  if (!visitor) co_return broken(visitor.error());
  if (!*visitor) co_return failure("agent-not-found");
  const auto limit = static_cast<std::size_t>(api.serving().rooms_per_visitor);
  const auto rooms = api.reader().own_rooms((*visitor)->pk, limit);
  if (!rooms) co_return broken(rooms.error());
  if (std::ranges::none_of(*rooms, &store::OwnRoom::open)) co_return failure("agent-not-found");
  co_return success({});
}

}  // namespace

std::vector<Route> agent_routes() {
  return {route("GET", "agent.info/{rid}/{token}", show, nullptr),
          route("GET", "agent.next/{token}", next, &next_schema)};
}

}  // namespace chatrelay::systems::rocketchat::endpoints
