#include "expression/hashes.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <openssl/evp.h>

#include "common/assert.hpp"
#include "common/crypto.hpp"

namespace chatrelay::expression {
namespace {

std::string digest(std::string_view text, const EVP_MD* kind) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  const int done = EVP_Digest(text.data(), text.size(), bytes.data(), &size, kind, nullptr);
  CHATRELAY_ASSERT(done == 1, "OpenSSL hashes any text");
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

std::string hex_of(std::string_view bytes) {
  return hex_encode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace

std::string md5_hex(std::string_view text) {
  return hex_of(digest(text, EVP_md5()));
}

std::optional<std::string> uuid5(std::string_view space, std::string_view name) {
  if (space.size() != 36) return std::nullopt;
  for (const std::size_t dash : {8u, 13u, 18u, 23u})
    if (space[dash] != '-') return std::nullopt;
  std::string hex(space);
  std::erase(hex, '-');
  const std::optional<std::string> bytes = hex_decode(hex);
  if (!bytes || bytes->size() != 16) return std::nullopt;
  std::string hash = digest(*bytes + std::string(name), EVP_sha1()).substr(0, 16);
  hash[6] = static_cast<char>((static_cast<unsigned char>(hash[6]) & 0x0f) | 0x50);
  hash[8] = static_cast<char>((static_cast<unsigned char>(hash[8]) & 0x3f) | 0x80);
  std::string uuid = hex_of(hash);
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) uuid.insert(dash, 1, '-');
  return uuid;
}

}  // namespace chatrelay::expression
