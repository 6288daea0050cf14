// Sealer: authenticated encryption (AES-256-GCM) of the few secrets that have to be kept in the store, with a key that
// is derived (HKDF-SHA-256) from the configuration's store_key.
//
// What was changed, cut, moved under another name or sealed with another key is an error, never a wrong text. Does not
// hide how long a text is, and does not notice that an older sealed text of the same name was put back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/secret.hpp"

namespace chatrelay {

class Sealer {
 public:
  // HKDF stretches nothing: a key that can be guessed stays one. `openssl rand -base64 32` makes a good one.
  static constexpr std::size_t store_key_bytes_min = 16;

  // Errors: invalid, with what store_key must be.
  static Result<Sealer> create(const Secret& store_key);
  Sealer(const Sealer&) = default;
  Sealer& operator=(const Sealer&) = default;
  ~Sealer();

  // `name` is what the text is kept under: it opens under no other. The same text is sealed differently each time.
  // The result is base64url text: a version byte, the nonce, the encrypted text, the tag.
  std::string seal(std::string_view text, std::string_view name) const;
  // Errors: invalid, with the likely cause.
  Result<std::string> open(std::string_view sealed, std::string_view name) const;

 private:
  using Key = std::array<std::uint8_t, 32>;
  explicit Sealer(const Key& key) : key_(key) {}
  Key key_;
};

}  // namespace chatrelay
