// TrackingSettings: what a served source says under `tracking`: whether visitors without a chat are watched, and whom
// we tell to stop asking.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "config/node.hpp"
#include "http/address.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

struct TrackingSettings {
  bool enabled = true;
  std::vector<http::Network> ignore_addresses;
  std::set<std::int64_t> ignore_departments;
  bool reopen = true;  // tells visitors of chats in which they were answered while they were away

  // Of a visitor with this address, who asks for these departments.
  bool ignores(std::string_view address, const std::vector<std::int64_t>& departments) const;
};

TrackingSettings read_tracking(const config::Node& node);

}  // namespace chatrelay::systems::livehelperchat::endpoints
