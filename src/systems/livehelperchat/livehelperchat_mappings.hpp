// The shipped mappings: for each of Live Helper Chat's common body templates the expressions that read it.
// livehelperchat.md shows the bodies; tests/golden/livehelperchat holds what they become.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace chatrelay::systems::livehelperchat {

// What expressions may be asked for, in the order in which they are evaluated.
inline constexpr std::array<std::string_view, 8> map_keys{"type",    "chat",   "visitor",     "agent",
                                                          "message", "rating", "occurred_at", "key"};

struct Mapping {
  std::string_view name;
  std::string_view event;                                     // what a body that names no event tells of
  std::array<std::string_view, map_keys.size()> expressions;  // by map_keys; empty: none
};

std::span<const Mapping> mappings();
const Mapping* find_mapping(std::string_view name);

}  // namespace chatrelay::systems::livehelperchat
