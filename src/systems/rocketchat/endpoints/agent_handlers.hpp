// GET agent.info/:rid/:token, GET agent.next/:token. Agents are known from the rooms they were assigned to; there is no
// list of agents who wait for a chat, so nobody can be said to be next.
#pragma once

#include "systems/rocketchat/endpoints/api.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

std::vector<Route> agent_routes();

}  // namespace chatrelay::systems::rocketchat::endpoints
