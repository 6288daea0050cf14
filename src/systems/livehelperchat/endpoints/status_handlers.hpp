// StatusHandlers: isonline and its sisters, answered from memory without an account; setoperatorstatus, which feeds
// presence. status_routes() and operator_routes() (api.hpp) are the doors; here is what they share.
#pragma once

#include "systems/livehelperchat/endpoints/api.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

// The switches that Live Helper Chat takes when they are exactly "true".
presence::Question read_question(const Ask& ask);

// {"isonline":…}, which browsers and proxies may keep as long as `max_age`; 304 to who has it still.
Reply status_reply(bool online, Millis max_age, std::string_view if_none_match);

}  // namespace chatrelay::systems::livehelperchat::endpoints
