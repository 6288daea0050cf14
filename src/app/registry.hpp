// Registry: the explicit tables of what there is. A new chat system or kind of destination is one line in registry.cpp;
// static objects that register themselves would be dropped by the linker, and the list is documentation.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/destination.hpp"
#include "destinations/kinds.hpp"
#include "systems/endpoints.hpp"
#include "systems/source.hpp"

namespace chatrelay::app {

std::span<const systems::SourceKind> source_kinds();
const systems::SourceKind* find_source_kind(std::string_view system);
// chatrelay's own events: a source that is always there and not configured.
systems::SourceKind own_source_kind();

// The systems that serve something themselves.
std::span<const systems::EndpointKind> endpoint_kinds();
const systems::EndpointKind* find_endpoint_kind(std::string_view system);

// `registry`: the connectors that destinations of kind "connector" can use. `served`: the sources with
// `serve: true`.
std::vector<destinations::DestinationKind> destination_kinds(
    std::shared_ptr<const destinations::connector::Registry> registry, std::vector<std::string> served);

}  // namespace chatrelay::app
