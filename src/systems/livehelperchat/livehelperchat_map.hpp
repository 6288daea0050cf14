// Where a payload's parts are: jq expressions, those of a shipped mapping (`template`) or the operator's own (`map`).
// They only find; what the found means in Live Helper Chat's words is livehelperchat_decode's. Compiled once for each
// Source, that is for each thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.hpp"
#include "config/node.hpp"
#include "expression/expression.hpp"

namespace chatrelay::systems::livehelperchat {

// null where nothing was found.
struct Parts {
  std::string event;  // Live Helper Chat's name of what happened; the configured one if the payload has none; or empty
  json::value chat, visitor, agent, message, rating, occurred_at;
  std::optional<std::string> key;
};

class Map {
 public:
  // Reads `template`, `map` and `event` of a source. nullptr when problems were added.
  static std::unique_ptr<Map> read(const config::Node& source, const json::object& tables, config::Problems& problems);

  // Errors: which expression failed, and why.
  Result<Parts> find(const json::value& payload);

 private:
  using Id = std::optional<expression::ExpressionId>;
  static constexpr std::size_t size = 8;
  Result<json::value> first(std::size_t at, const json::value& payload);

  std::unique_ptr<expression::Program> program_;
  Id ids_[size];
  std::string event_;
};

// A scalar as text (ids are often numbers); nullopt if it says nothing.
std::optional<std::string> scalar_text(const json::value& value);

}  // namespace chatrelay::systems::livehelperchat
