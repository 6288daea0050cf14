// The kinds of destination of this room, for app's table. A connector is a kind by its file: all of them share one
// entry.
#pragma once

#include <memory>

#include "destinations/destination.hpp"

namespace chatrelay::destinations::connector {
class Registry;
}

namespace chatrelay::destinations {

DestinationKind connector_kind(std::shared_ptr<const connector::Registry> registry);
DestinationKind email_kind();
DestinationKind file_kind();

}  // namespace chatrelay::destinations
