// Merging what a later event says into what is known: the newer word wins, silence changes nothing. Everything has a
// limit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "event/event.hpp"

namespace chatrelay::conversations {

inline constexpr std::size_t text_bytes_max =
    8 * 1024;  // Limit: one text kept in a chat's state (a name, an address, a URL)
inline constexpr std::size_t object_bytes_max = 32 * 1024;  // Limit: a chat's properties, a visitor's custom fields
inline constexpr std::size_t id_bytes_max = 256;            // Limit: an id or a tag in a chat's lists

void merge(std::optional<std::string>& known, const std::optional<std::string>& said);
void merge(Visitor& known, const Visitor& said);
void merge(Agent& known, const Agent& said);
// namespace -> name -> value, name by name.
void merge_properties(json::object& known, const json::object& said);
// "namespace.name"
void remove_property(json::object& known, std::string_view path);

// Ids are chosen by strangers, and the state is written with every event: a longer one is kept as its hash.
std::string short_id(std::string_view id);
// Adds to the end unless it is there; drops the oldest over the limit.
void remember(std::vector<std::string>& list, const std::string& entry, std::size_t limit);
bool contains(const std::vector<std::string>& list, std::string_view entry);

}  // namespace chatrelay::conversations
