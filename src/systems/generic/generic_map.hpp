// `map`: jq expressions that say what a payload means. Compiled once for each Source, that is for each thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.hpp"
#include "expression/expression.hpp"

namespace chatrelay::systems::generic {

class Map {
 public:
  // nullptr when problems were added.
  static std::unique_ptr<Map> read(const config::Node& node, const json::object& tables, config::Problems& problems);

  // What `key` finds, as text; nullopt if there is no such expression, or it finds nothing.
  std::optional<std::string> key(const json::value& payload);
  bool has_key() const { return key_.has_value(); }
  // Fills the event. Errors: which expression failed, and why.
  Result<void> apply(const json::value& payload, Event& event);

 private:
  using Id = std::optional<expression::ExpressionId>;
  Result<json::value> first(const Id& id, std::string_view name, const json::value& payload);

  std::unique_ptr<expression::Program> program_;
  Id type_, chat_, thread_, visitor_, agent_, message_, occurred_at_, key_;
};

}  // namespace chatrelay::systems::generic
