// The ids of a webhook's parts: they share its time and sequence number, only the salt tells them apart, so that a
// store finds the webhook by the id of any part. Decoders give these ids, stores look them up.
#pragma once

#include <cstdint>
#include <string>

#include "common/ids.hpp"

namespace chatrelay {

// An odd multiplier has an inverse modulo 2^32, so the part can be read back from the salt of its id.
inline constexpr std::uint32_t part_spread = 0x9e3779b1u;

constexpr std::uint32_t salt_of_part(std::uint32_t salt, std::uint32_t part) {
  return salt ^ (part * part_spread);
}

// The id of a part of the webhook with that id (part 0 has the webhook's own). What is no ULID is given back as it is.
inline std::string part_id(const std::string& webhook_id, std::uint32_t part) {
  if (part == 0) return webhook_id;
  auto id = decode_ulid(webhook_id);
  if (!id) return webhook_id;
  id->salt = salt_of_part(id->salt, part);
  return encode_ulid(*id);
}

}  // namespace chatrelay
