// A stored webhook of Live Helper Chat as one event. See livehelperchat.md.
#pragma once

#include "event/event.hpp"
#include "systems/livehelperchat/livehelperchat_map.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems::livehelperchat {

// Never fails: what cannot be understood is invalid_payload with the text as raw. Everything but number_parts.
Event decode_livehelperchat(const StoredWebhook& webhook, Map& map);

}  // namespace chatrelay::systems::livehelperchat
