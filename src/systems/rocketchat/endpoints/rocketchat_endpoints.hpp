// Rocket.Chat's livechat API under /api/v1/livechat/, for sources `system: rocketchat` with `serve: true`.
#pragma once

#include "systems/endpoints.hpp"

namespace chatrelay::systems {

EndpointKind rocketchat_endpoint_kind();

}  // namespace chatrelay::systems
