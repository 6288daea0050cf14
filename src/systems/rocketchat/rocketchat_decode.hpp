// A Rocket.Chat omnichannel webhook into the event it tells of. See rocketchat.md for what becomes what.
#pragma once

#include "event/event.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems::rocketchat {

// Never fails: what cannot be understood becomes an event of type invalid_payload.
Event decode_rocketchat(const StoredWebhook& webhook);

}  // namespace chatrelay::systems::rocketchat
