// Rocket.Chat's objects (visitors, agents, messages) into ours. Every member may be missing, null or of a shape that
// another version has: what is not understood is not there. Shapes and traps: rocketchat.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/json.hpp"
#include "event/event.hpp"

namespace chatrelay::systems::rocketchat {

// RFC 3339 text, milliseconds since the epoch, or EJSON's {"$date": milliseconds}.
std::optional<WallTime> time_of(const json::value& object, std::string_view key);

// Text that says something: "" counts as missing. Numbers are taken as written.
std::optional<std::string> text_of(const json::value& object, std::string_view key);

Visitor read_visitor(const json::value& visitor);
// `agent`, or `servedBy`, which names fewer of its members.
Agent read_agent(const json::value& agent);

// Who takes part, as far as the payload says: what gives messages their authors.
struct Cast {
  Visitor visitor;
  std::string visitor_username;
  Agent agent;
  std::string agent_username;
};
Cast read_cast(const json::value& body);

bool is_navigation(const json::value& message);
// The page that a navigation message tells of; empty if it names none.
Page read_page(const json::value& message);

Message read_message(const json::value& message, const Cast& cast);

}  // namespace chatrelay::systems::rocketchat
