#include "systems/livehelperchat/endpoints/tracking_settings.hpp"

#include <algorithm>

namespace chatrelay::systems::livehelperchat::endpoints {

bool TrackingSettings::ignores(std::string_view address, const std::vector<std::int64_t>& departments) const {
  if (!enabled) return true;
  // Somebody who asks for several is watched for the others.
  const auto ignored = [&](std::int64_t department) { return ignore_departments.contains(department); };
  if (!departments.empty() && std::all_of(departments.begin(), departments.end(), ignored)) return true;
  const auto parsed = http::parse_address(address);
  return parsed && std::any_of(ignore_addresses.begin(), ignore_addresses.end(),
                               [&](const http::Network& network) { return network.contains(*parsed); });
}

TrackingSettings read_tracking(const config::Node& node) {
  TrackingSettings settings;
  if (!node.present()) return settings;
  if (!node.is_map()) {
    node.problem("must be a map: enabled, ignore_addresses, ignore_departments, reopen");
    return settings;
  }
  node.only({"enabled", "ignore_addresses", "ignore_departments", "reopen"});
  settings.enabled = node["enabled"].boolean(true);
  settings.reopen = node["reopen"].boolean(true);
  for (const config::Node& each : node["ignore_addresses"].items()) {
    const auto network = http::Network::parse(each.required_string());
    if (network)
      settings.ignore_addresses.push_back(*network);
    else
      each.problem("is " + each.shown() + ", which is no address and no network like 10.0.0.0/8");
  }
  constexpr std::int64_t id_max = 2'147'483'647;
  for (const config::Node& each : node["ignore_departments"].items())
    settings.ignore_departments.insert(each.integer(0, 1, id_max));
  return settings;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
