#include "common/crypto.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "common/assert.hpp"
#include "common/crypto_hmac.hpp"
#include "common/digits.hpp"

namespace chatrelay {
namespace {

// OpenSSL 3's one-shot SHA256() and HMAC() look the algorithm up by name, under a lock, at every call: more than the
// hash of a short text itself. So each thread keeps a context, and the process the algorithm.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHATRELAY_ASSERT(md != nullptr, "OpenSSL has SHA-256");
  return md;
}

class Hasher {
 public:
  Hasher() : context_(EVP_MD_CTX_new()) { CHATRELAY_ASSERT(context_ != nullptr, "memory for a hash context"); }
  ~Hasher() { EVP_MD_CTX_free(context_); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void begin() { ok_ = EVP_DigestInit_ex(context_, sha256_algorithm(), nullptr) == 1; }
  void add(const void* data, std::size_t size) { ok_ = ok_ && EVP_DigestUpdate(context_, data, size) == 1; }
  Digest end() {
    Digest out{};
    unsigned length = 0;
    ok_ = ok_ && EVP_DigestFinal_ex(context_, out.data(), &length) == 1;
    CHATRELAY_ASSERT(ok_ && length == out.size(), "SHA-256 cannot fail");
    return out;
  }

 private:
  EVP_MD_CTX* context_;
  bool ok_ = true;
};

Hasher& hasher() {
  thread_local Hasher h;
  return h;
}

std::string base64(std::string_view bytes, const char* alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    const std::size_t present = std::min<std::size_t>(3, bytes.size() - i) + 1;
    for (std::size_t k = 0; k < 4; ++k) {
      if (k < present)
        out += alphabet[group >> (18 - 6 * k) & 63];
      else if (padded)
        out += '=';
    }
  }
  return out;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

}  // namespace

struct KeyedHmac::Context {
  EVP_MAC_CTX* mac = nullptr;
};

KeyedHmac::KeyedHmac() : context_(std::make_unique<Context>()) {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  CHATRELAY_ASSERT(algorithm != nullptr, "OpenSSL has HMAC");
  context_->mac = EVP_MAC_CTX_new(algorithm);
  char name[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                   OSSL_PARAM_construct_end()};
  CHATRELAY_ASSERT(context_->mac != nullptr && EVP_MAC_CTX_set_params(context_->mac, parameters) == 1,
                   "HMAC takes SHA-256");
}
KeyedHmac::~KeyedHmac() {
  EVP_MAC_CTX_free(context_->mac);
}
void KeyedHmac::set_key(std::string_view key) {
  // A null key means "the key set before", so an empty one needs an address.
  const char* data = key.empty() ? "" : key.data();
  CHATRELAY_ASSERT(EVP_MAC_init(context_->mac, reinterpret_cast<const unsigned char*>(data), key.size(), nullptr) == 1,
                   "HMAC takes any key");
}
Digest KeyedHmac::of(std::string_view data) {
  Digest out{};
  std::size_t length = 0;
  const bool ok =
      EVP_MAC_init(context_->mac, nullptr, 0, nullptr) == 1 &&
      EVP_MAC_update(context_->mac, reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1 &&
      EVP_MAC_final(context_->mac, out.data(), &length, out.size()) == 1;
  CHATRELAY_ASSERT(ok && length == out.size(), "HMAC cannot fail");
  return out;
}

Digest sha256(std::string_view data) {
  Hasher& h = hasher();
  h.begin();
  h.add(data.data(), data.size());
  return h.end();
}

Digest hmac_sha256(std::string_view key, std::string_view data) {
  thread_local KeyedHmac hmac;
  hmac.set_key(key);
  return hmac.of(data);
}

std::string hex_encode(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t b : bytes) {
    out += digits[b >> 4];
    out += digits[b & 15];
  }
  return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  return base64(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}
std::string base64url_encode(std::string_view bytes) {
  return base64(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::size_t padding = 0;
  while (!text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  if (text.size() % 4 == 1 || (padding != 0 && (padding > 2 || (text.size() + padding) % 4 != 0))) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> have & 0xff);
    }
  }
  return out;
}

void random_bytes(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const int part = static_cast<int>(std::min<std::size_t>(out.size() - done, 1 << 20));
    CHATRELAY_ASSERT(RAND_bytes(out.data() + done, part) == 1, "the kernel gives random bytes");
    done += static_cast<std::size_t>(part);
  }
}

std::uint64_t random_u64() {
  std::uint8_t bytes[8];
  random_bytes(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

Hash128 hash128(std::span<const std::string_view> parts) {
  Hasher& h = hasher();
  h.begin();
  for (const std::string_view part : parts) {
    std::uint8_t length[8];
    for (int i = 0; i < 8; ++i)
      length[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(part.size()) >> (8 * i));
    h.add(length, sizeof length);
    h.add(part.data(), part.size());
  }
  const Digest digest = h.end();
  Hash128 out;
  for (std::size_t i = 0; i < 8; ++i) {
    out.high = out.high << 8 | digest[i];
    out.low = out.low << 8 | digest[8 + i];
  }
  return out;
}

}  // namespace chatrelay
