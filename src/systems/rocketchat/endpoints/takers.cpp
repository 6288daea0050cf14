#include "systems/rocketchat/endpoints/takers.hpp"

#include <algorithm>
#include <set>

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

// A destination without a state was never disabled.
Result<std::set<std::string, std::less<>>> disabled_destinations(Api& api) {
  const auto states = api.reader().destination_states();
  if (!states) return states.error();
  std::set<std::string, std::less<>> names;
  for (const store::DestinationState& state : *states)
    if (state.disabled) names.insert(state.name);
  return names;
}

}  // namespace

Result<bool> has_taker(Api& api, std::string_view event_type) {
  const std::vector<std::string> destinations = api.rules().destinations_for(event_type, api.source());
  if (destinations.empty()) return false;
  const auto disabled = disabled_destinations(api);
  if (!disabled) return disabled.error();
  return std::ranges::any_of(destinations, [&](const std::string& name) { return !disabled->contains(name); });
}

Result<bool> is_enabled(Api& api, std::string_view destination) {
  if (destination.empty()) return false;
  const auto disabled = disabled_destinations(api);
  if (!disabled) return disabled.error();
  return !disabled->contains(destination);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
