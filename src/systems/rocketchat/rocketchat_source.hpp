// Rocket.Chat (0.70 to 8.x): the webhooks of its omnichannel, and the events that our own livechat API made. See
// rocketchat.md.
#pragma once

#include "systems/source.hpp"

namespace chatrelay::systems {

SourceKind rocketchat_kind();

}  // namespace chatrelay::systems
