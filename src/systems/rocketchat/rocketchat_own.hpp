// Our own messages at a Rocket.Chat that come back as webhooks. The accept path asks, so they are answered and not
// kept.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "config/node.hpp"

namespace chatrelay::systems::rocketchat {

struct OwnMessages {
  std::vector<std::string> agents;  // user ids or usernames that write for us alone
  bool as_visitor = false;          // we speak there as a visitor, with the delivery's id as the message's

  // `messages`: the raw member of a `Message` webhook. Several messages are nobody's we know.
  bool wrote(std::string_view messages, WallTime now) const;
};

// Reads `own`.
OwnMessages read_own(const config::Node& node);

// The one value in a raw JSON array; empty: there is none, or it is no array. Of several it is all of them, which is no
// JSON text.
std::string_view only_entry(std::string_view array);

}  // namespace chatrelay::systems::rocketchat
