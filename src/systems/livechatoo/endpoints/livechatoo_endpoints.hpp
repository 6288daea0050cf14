// What we serve for Livechatoo: the script that a page loads, and the answer to "whose session is this?".
#pragma once

#include "systems/endpoints.hpp"

namespace chatrelay::systems {

EndpointKind livechatoo_endpoint_kind();

}  // namespace chatrelay::systems
