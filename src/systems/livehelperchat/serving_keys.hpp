// The keys of a source that say how its REST API is served (endpoints/serving.hpp reads them). The receiving side knows
// their names, so that each part's check finds the other's keys in order.
#pragma once

#include <string>
#include <vector>

namespace chatrelay::systems::livehelperchat {

const std::vector<std::string>& serving_keys();

}  // namespace chatrelay::systems::livehelperchat
