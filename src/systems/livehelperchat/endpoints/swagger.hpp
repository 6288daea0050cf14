// Swagger: the OpenAPI 3.0 document of what is served, made of the same table that serves it. Pure.
#pragma once

#include <vector>

#include <boost/json.hpp>

#include "systems/livehelperchat/endpoints/api.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

// Unordered parameters of the path, (name)/value, have no place in OpenAPI: they stand in x-unordered-parameters.
json::object describe(const std::vector<Route>& routes);

}  // namespace chatrelay::systems::livehelperchat::endpoints
