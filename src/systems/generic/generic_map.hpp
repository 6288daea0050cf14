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
  // `node` is the source's `map`, `own` its `own`. nullptr when problems were added.
  static std::unique_ptr<Map> read(const config::Node& node, const config::Node& own, const json::object& tables,
                                   config::Problems& problems);

  // What `key` finds, as text; nullopt if there is no such expression, or it finds nothing.
  std::optional<std::string> key(const json::value& payload);
  bool has_key() const { return key_.has_value(); }
  // What we wrote over there ourselves: `own.when` holds, or `own.id` finds the id of a delivery of ours.
  // Errors: which expression failed, and why.
  Result<bool> is_own(const json::value& payload, WallTime now);
  bool has_own() const { return own_when_ || own_id_; }
  // Fills the event. Errors: which expression failed, and why.
  Result<void> apply(const json::value& payload, Event& event);

 private:
  using Id = std::optional<expression::ExpressionId>;
  // `name`: as the configuration has it, for errors.
  Result<json::value> first(const Id& id, std::string_view name, const json::value& payload);

  std::unique_ptr<expression::Program> program_;
  Id type_, chat_, thread_, visitor_, agent_, message_, occurred_at_, key_, own_when_, own_id_;
};

}  // namespace chatrelay::systems::generic
