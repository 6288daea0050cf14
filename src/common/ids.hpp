// Ids: ULIDs for events and deliveries, and the random ids that endpoints give to rooms and messages.
//
// A ULID of ours carries the place of its record: 48 bits of time, 32 random bits (kept with the record as its salt),
// and 48 bits of the record's sequence number. So a record is found by its id without an index over random keys, and
// the salt proves that the id is genuine. It says who it is, not which came first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace chatrelay {

struct UlidParts {
  WallTime time;
  std::uint32_t salt = 0;
  std::uint64_t sequence = 0;  // Limit: 48 bits
};

std::string encode_ulid(const UlidParts& parts);              // 26 characters, Crockford base 32
std::optional<UlidParts> decode_ulid(std::string_view text);  // either case; nullopt if not 26 valid characters

std::string random_id(std::size_t length);  // [A-Za-z0-9], from random_bytes; 17 characters hold 101 bits
std::string random_uuid();                  // version 4

}  // namespace chatrelay
