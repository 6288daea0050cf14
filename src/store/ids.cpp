#include "store/ids.hpp"

#include "common/ids.hpp"
#include "event/part_id.hpp"

namespace chatrelay::store {
namespace {
constexpr std::uint32_t inverse_of(std::uint32_t a) {
  std::uint32_t x = a;
  for (int i = 0; i < 5; ++i) x *= 2 - a * x;
  return x;
}
constexpr std::uint64_t time_mask = (1ULL << 48) - 1;
}  // namespace

std::string record_id(WallTime time, std::uint32_t salt, std::uint64_t seq) {
  return encode_ulid({time, salt, seq});
}

bool is_id_of(const UlidParts& id, WallTime time, std::uint32_t salt, std::uint32_t parts) {
  const auto same_time =
      ((static_cast<std::uint64_t>(to_ms(id.time)) ^ static_cast<std::uint64_t>(to_ms(time))) & time_mask) == 0;
  return same_time && (id.salt ^ salt) * inverse_of(part_spread) < parts;
}

std::string event_id(const StoredEvent& event, std::uint32_t part) {
  return part_id(event.id, part);
}

}  // namespace chatrelay::store
