// KeyedHmac: HMAC-SHA-256 with a key that is set once and used often. Not for sharing between threads.
#pragma once

#include <memory>
#include <string_view>

#include "common/crypto.hpp"

namespace chatrelay {

class KeyedHmac {
 public:
  KeyedHmac();
  ~KeyedHmac();
  KeyedHmac(const KeyedHmac&) = delete;
  KeyedHmac& operator=(const KeyedHmac&) = delete;

  void set_key(std::string_view key);  // any length, also empty; before the first of()
  Digest of(std::string_view data);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace chatrelay
