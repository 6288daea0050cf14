// The keys of a rocketchat source that say how its livechat API is served. The receiving side lets them pass, the
// endpoints read them: one list, so that neither refuses what the other knows.
#pragma once

#include <string>
#include <vector>

namespace chatrelay::systems::rocketchat {

// Everything that means something with `serve: true` only, and `serve` itself. `limits` is a key of every source (its
// member `body`); the members that are rates belong to serving.
const std::vector<std::string>& serving_keys();

}  // namespace chatrelay::systems::rocketchat
