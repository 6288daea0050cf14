// The kinds of destination of this room, for app's table. A connector is a kind by its file: all of them share one
// entry.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "destinations/destination.hpp"

namespace chatrelay::destinations::connector {
class Registry;
}

namespace chatrelay::destinations {

DestinationKind connector_kind(std::shared_ptr<const connector::Registry> registry);
DestinationKind email_kind();
DestinationKind file_kind();
// `served`: the sources with `serve: true`, whose chats it can write into.
DestinationKind conversation_kind(std::vector<std::string> served);

}  // namespace chatrelay::destinations
