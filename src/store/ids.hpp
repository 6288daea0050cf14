// Ids of what a store keeps: see common/ids.hpp. For the stores.
#pragma once

#include <cstdint>
#include <string>

#include "common/clock.hpp"
#include "common/ids.hpp"
#include "store/store.hpp"

namespace chatrelay::store {

inline constexpr std::uint32_t parts_max = 1024;  // Limit: parts of one webhook that have a row and an id of their own

std::string record_id(WallTime time, std::uint32_t salt, std::uint64_t seq);
// Is `id` the id of the record with that time and salt, or of one of its first `parts` parts? A forged salt is not.
bool is_id_of(const UlidParts& id, WallTime time, std::uint32_t salt, std::uint32_t parts);

}  // namespace chatrelay::store
