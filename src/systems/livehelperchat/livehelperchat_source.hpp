// Live Helper Chat, from webhooks that have no fixed shape (`template`, `map`), and from its REST API that we serve
// (`serve: true`). See livehelperchat.md.
#pragma once

#include "systems/source.hpp"

namespace chatrelay::systems {

SourceKind livehelperchat_kind();

}  // namespace chatrelay::systems
