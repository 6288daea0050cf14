// Custom fields of a visitor: which are taken. Rocket.Chat knows those that its administrator made; we have no such
// list and take every sensible key. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "conversations/rooms.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace json = boost::json;

using CustomField = conversations::SaveVisitor::Custom;

inline constexpr std::size_t custom_fields_max = 50;        // Limit: of one visitor
inline constexpr std::size_t custom_value_bytes_max = 500;  // Limit: some lines; fifty of them fit what a room keeps
// Keys are of letters, digits, "_" and "-". Limit: 64. All together stay within conversations::custom_bytes_max.

// Why these fields are not taken by a visitor who has `known` already: "invalid-custom-field" and the like.
std::optional<std::string> custom_fault(const std::vector<CustomField>& fields, json::object known);

// Those of a checked list of {key, value, overwrite}, in its order.
std::vector<CustomField> read_custom_fields(const json::array& list);

// Those of the first custom_fields_max of `fields` that are taken; the others are left out, as Rocket.Chat leaves out
// unknown ones when a visitor is saved.
std::vector<CustomField> taken_custom_fields(const std::vector<CustomField>& fields, json::object known);

}  // namespace chatrelay::systems::rocketchat::endpoints
