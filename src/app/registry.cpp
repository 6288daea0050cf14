#include "app/registry.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "systems/chatrelay/chatrelay_source.hpp"
#include "systems/generic/generic_source.hpp"
#include "systems/livechat/livechat_source.hpp"
#include "systems/livechatoo/endpoints/livechatoo_endpoints.hpp"
#include "systems/livechatoo/livechatoo_source.hpp"
#include "systems/livehelperchat/endpoints/livehelperchat_endpoints.hpp"
#include "systems/livehelperchat/livehelperchat_source.hpp"
#include "systems/rocketchat/endpoints/rocketchat_endpoints.hpp"
#include "systems/rocketchat/rocketchat_source.hpp"

namespace chatrelay::app {

std::span<const systems::SourceKind> source_kinds() {
  static const std::array kinds{
      systems::livechat_kind(),   systems::rocketchat_kind(), systems::livehelperchat_kind(),
      systems::livechatoo_kind(), systems::generic_kind(),
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

std::span<const systems::EndpointKind> endpoint_kinds() {
  static const std::array kinds{
      systems::rocketchat_endpoint_kind(),
      systems::livehelperchat_endpoint_kind(),
      systems::livechatoo_endpoint_kind(),
  };
  return kinds;
}

const systems::EndpointKind* find_endpoint_kind(std::string_view system) {
  const auto kinds = endpoint_kinds();
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.system == system; });
  return found == kinds.end() ? nullptr : &*found;
}

std::vector<destinations::DestinationKind> destination_kinds(
    std::shared_ptr<const destinations::connector::Registry> registry, std::vector<std::string> served) {
  return {
      destinations::connector_kind(std::move(registry)),
      destinations::email_kind(),
      destinations::file_kind(),
      destinations::conversation_kind(std::move(served)),
  };
}

}  // namespace chatrelay::app
