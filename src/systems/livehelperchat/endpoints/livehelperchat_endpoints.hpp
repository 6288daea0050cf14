// Live Helper Chat's REST API, for sources of system livehelperchat with `serve: true`.
#pragma once

#include "systems/endpoints.hpp"

namespace chatrelay::systems {

EndpointKind livehelperchat_endpoint_kind();

}  // namespace chatrelay::systems
