// Hashes, HMAC, encodings and randomness, all OpenSSL's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chatrelay {

using Digest = std::array<std::uint8_t, 32>;
Digest sha256(std::string_view data);
Digest hmac_sha256(std::string_view key, std::string_view data);

std::string hex_encode(std::span<const std::uint8_t> bytes);  // lower case
std::optional<std::string> hex_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);     // RFC 4648 §4, padded, one line
std::string base64url_encode(std::string_view bytes);  // RFC 4648 §5, unpadded
std::optional<std::string> base64_decode(
    std::string_view text);  // both alphabets, padding optional; nullopt if neither
inline std::string_view as_text(const Digest& d) {
  return {reinterpret_cast<const char*>(d.data()), d.size()};
}

// From the kernel by OpenSSL; aborts if there is none.
void random_bytes(std::span<std::uint8_t> out);
std::uint64_t random_u64();

// The first 128 bits of a SHA-256: the name of a thing in a hash table or on disk, the same in every process. Not for
// secrets.
struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};
// Hashes the parts with their lengths, so that ("ab","c") and ("a","bc") differ.
Hash128 hash128(std::span<const std::string_view> parts);

}  // namespace chatrelay
