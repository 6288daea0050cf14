#include "common/ids.hpp"

#include <array>

#include "common/assert.hpp"
#include "common/crypto.hpp"

namespace chatrelay {
namespace {

constexpr std::string_view crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::uint64_t low_48_bits = (std::uint64_t{1} << 48) - 1;

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& v : values) v = -1;
  for (std::size_t i = 0; i < crockford.size(); ++i) {
    const char c = crockford[i];
    values[static_cast<unsigned char>(c)] = static_cast<std::int8_t>(i);
    if (c >= 'A') values[static_cast<unsigned char>(c - 'A' + 'a')] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr auto crockford_values = make_values();

}  // namespace

// 128 bits: 48 of time, then 16 + 16 of salt across the middle, then 48 of sequence. As two halves of 64.
std::string encode_ulid(const UlidParts& parts) {
  CHATRELAY_ASSERT(parts.sequence <= low_48_bits, "sequence numbers fit in 48 bits");
  const long long ms = to_ms(parts.time);
  const std::uint64_t time = ms < 0 ? 0 : static_cast<std::uint64_t>(ms) & low_48_bits;
  const std::uint64_t high = time << 16 | parts.salt >> 16;
  const std::uint64_t low = static_cast<std::uint64_t>(parts.salt & 0xffff) << 48 | parts.sequence;
  std::string out(26, '0');
  // 26 * 5 = 130 bits: two zero bits stand in front.
  for (int i = 25; i >= 0; --i) {
    const int shift = (25 - i) * 5;
    std::uint64_t five = 0;
    if (shift >= 64)
      five = high >> (shift - 64);
    else
      five = shift > 59 ? (low >> shift | high << (64 - shift)) : low >> shift;
    out[static_cast<std::size_t>(i)] = crockford[five & 31];
  }
  return out;
}

std::optional<UlidParts> decode_ulid(std::string_view text) {
  if (text.size() != 26 || text.front() > '7') return std::nullopt;  // above '7' the value has more than 128 bits
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  for (const char c : text) {
    const std::int8_t value = crockford_values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    high = high << 5 | low >> 59;
    low = low << 5 | static_cast<std::uint64_t>(value);
  }
  UlidParts parts;
  parts.time = from_ms(static_cast<long long>(high >> 16));
  parts.salt = static_cast<std::uint32_t>((high & 0xffff) << 16 | low >> 48);
  parts.sequence = low & low_48_bits;
  return parts;
}

std::string random_id(std::size_t length) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  out.reserve(length);
  std::array<std::uint8_t, 64> bytes;
  while (out.size() < length) {
    random_bytes(bytes);
    for (const std::uint8_t byte : bytes) {
      const std::size_t index = byte & 63;  // 62 and 63 are thrown away: every character stays equally likely
      if (index < alphabet.size() && out.size() < length) out += alphabet[index];
    }
  }
  return out;
}

std::string random_uuid() {
  std::array<std::uint8_t, 16> bytes;
  random_bytes(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // the variant of RFC 9562
  std::string out = hex_encode(bytes);
  for (const std::size_t at : {20u, 16u, 12u, 8u}) out.insert(at, 1, '-');
  return out;
}

}  // namespace chatrelay
