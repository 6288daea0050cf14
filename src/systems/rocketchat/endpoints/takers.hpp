// Would anybody get it? Asked before something is stored that nobody would ever see.
#pragma once

#include <string_view>

#include "systems/rocketchat/endpoints/api.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

// Is there an enabled rule whose `on` and `from` take events of this type from the source, with a destination that is
// not disabled? A paused one counts: it gets everything later. Whether the rule's `when` holds is seen when the event
// is planned.
Result<bool> has_taker(Api& api, std::string_view event_type);

// false too for a name that is empty.
Result<bool> is_enabled(Api& api, std::string_view destination);

}  // namespace chatrelay::systems::rocketchat::endpoints
