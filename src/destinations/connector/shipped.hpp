// The connectors that are built into the binary. Their text is generated at build from config/connectors/*.yaml, so the
// files in the source tree are the only copy.
#pragma once

#include <span>
#include <string_view>

namespace chatrelay::destinations::connector {

struct ShippedConnector {
  std::string_view name;  // "webhook"
  std::string_view text;  // the YAML
};

std::span<const ShippedConnector> shipped_connectors();

}  // namespace chatrelay::destinations::connector
