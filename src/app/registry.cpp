#include "app/registry.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "systems/chatrelay/chatrelay_source.hpp"
#include "systems/generic/generic_source.hpp"
#include "systems/livechat/livechat_source.hpp"

namespace chatrelay::app {

std::span<const systems::SourceKind> source_kinds() {
  static const std::array kinds{
      systems::livechat_kind(),
      systems::generic_kind(),
  };
  return kinds;
}

const systems::SourceKind* find_source_kind(std::string_view system) {
  const auto kinds = source_kinds();
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.system == system; });
  return found == kinds.end() ? nullptr : &*found;
}

systems::SourceKind own_source_kind() {
  return systems::chatrelay_kind();
}

std::vector<destinations::DestinationKind> destination_kinds(
    std::shared_ptr<const destinations::connector::Registry> registry) {
  return {
      destinations::connector_kind(std::move(registry)),
      destinations::email_kind(),
      destinations::file_kind(),
  };
}

}  // namespace chatrelay::app
