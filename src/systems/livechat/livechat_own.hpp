// Our own messages at LiveChat that come back as webhooks. The accept path asks, so they are answered and not kept.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "config/node.hpp"

namespace chatrelay::systems {

struct LivechatOwn {
  bool custom_ids = true;            // send_event's custom_id is the id of a delivery of ours
  std::vector<std::string> authors;  // agents or bots who write for us alone

  // `body`: of an incoming_event. Never a customer's: they choose the custom_id of what they write, and nobody gets
  // around the relay by that.
  bool wrote(std::string_view body, WallTime now) const;
};

// Reads `own`.
LivechatOwn read_livechat_own(const config::Node& node);

}  // namespace chatrelay::systems
