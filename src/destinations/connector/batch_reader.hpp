// `batch:` of an action, for read_action.cpp.
#pragma once

#include <optional>

#include "destinations/connector/file_reader.hpp"

namespace chatrelay::destinations::connector {

// `node` is the action's; what of the action was read already is in `action`. Refuses what cannot be combined with a
// batch, each at its place.
std::optional<Batch> read_batch(const config::Node& node, const Action& action, const FileReader& reader);

}  // namespace chatrelay::destinations::connector
