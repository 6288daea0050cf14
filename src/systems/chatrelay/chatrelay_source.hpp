// chatrelay's own events (delivery_dead, destination_disabled, source_silent, store_full): how the daemon tells rules
// of its own troubles. The daemon appends them itself; nothing from outside is let in. See chatrelay.md.
#pragma once

#include "systems/source.hpp"

namespace chatrelay::systems {

// Not for the table of configurable systems: `make` ignores the configuration, there is exactly one such source.
SourceKind chatrelay_kind();
std::unique_ptr<Source> make_chatrelay_source();

}  // namespace chatrelay::systems
