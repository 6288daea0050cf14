// A call of the bridge as the store keeps it, into one event. Which callback becomes what: livechatoo.md.
#pragma once

#include "systems/source.hpp"

namespace chatrelay::systems::livechatoo {

// Without ref, id and what else number_parts fills.
Event decode_livechatoo(const StoredWebhook& webhook);

}  // namespace chatrelay::systems::livechatoo
