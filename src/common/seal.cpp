#include "common/seal.hpp"

#include <memory>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "common/assert.hpp"
#include "common/crypto.hpp"

namespace chatrelay {
namespace {

constexpr char version = 1;
constexpr std::size_t nonce_bytes = 12;  // the size that GCM takes as it is
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t text_bytes_max = 16 << 20;  // Limit: far more than any token; keeps lengths within an int

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

struct FreeKdf {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

OSSL_PARAM octets(const char* name, std::string_view value) {
  // OpenSSL's parameters are not const, and these are only read.
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

// RFC 5869. `info` names the use and its version: another use of store_key would have another key.
void derive(std::string_view store_key, std::array<std::uint8_t, 32>& key) {
  static EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  CHATRELAY_ASSERT(algorithm != nullptr, "OpenSSL has HKDF");
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(EVP_KDF_CTX_new(algorithm));
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   octets(OSSL_KDF_PARAM_KEY, store_key),
                                   octets(OSSL_KDF_PARAM_SALT, "chatrelay store_key"),
                                   octets(OSSL_KDF_PARAM_INFO, "seal v1 aes-256-gcm"), OSSL_PARAM_construct_end()};
  CHATRELAY_ASSERT(context != nullptr && EVP_KDF_derive(context.get(), key.data(), key.size(), parameters) == 1,
                   "HKDF takes any key");
}

// What is authenticated with the text: the version and the name.
std::string bound(std::string_view name) {
  return std::string(1, version) + std::string(name);
}

}  // namespace

Result<Sealer> Sealer::create(const Secret& store_key) {
  if (store_key.reveal().size() < store_key_bytes_min)
    return invalid("store_key must have 16 bytes at least; `openssl rand -base64 32` makes a good one");
  Key key{};
  derive(store_key.reveal(), key);
  Sealer sealer(key);
  OPENSSL_cleanse(key.data(), key.size());
  return sealer;
}

Sealer::~Sealer() {
  OPENSSL_cleanse(key_.data(), key_.size());
}

std::string Sealer::seal(std::string_view text, std::string_view name) const {
  CHATRELAY_ASSERT(text.size() <= text_bytes_max, "what is sealed is small");
  std::array<std::uint8_t, nonce_bytes> nonce{};
  random_bytes(nonce);  // 96 random bits: fit for 2^32 texts under one key
  std::string encrypted(text.size(), '\0');
  std::string tag(tag_bytes, '\0');
  const std::string name_bound = bound(name);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  unsigned char end[tag_bytes];  // GCM has nothing left to write at its end
  const bool ok =
      cipher != nullptr &&
      EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), key_.data(), nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, bytes(name_bound), static_cast<int>(name_bound.size())) == 1 &&
      (text.empty() ||
       EVP_EncryptUpdate(cipher.get(), bytes(encrypted), &length, bytes(text), static_cast<int>(text.size())) == 1) &&
      EVP_EncryptFinal_ex(cipher.get(), end, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes), tag.data()) == 1;
  CHATRELAY_ASSERT(ok, "AES-256-GCM cannot fail");
  std::string whole(1, version);
  whole.append(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  whole += encrypted;
  whole += tag;
  return base64url_encode(whole);
}

Result<std::string> Sealer::open(std::string_view sealed, std::string_view name) const {
  const std::optional<std::string> whole = base64_decode(sealed);
  // Encoded again, because several texts of base64 decode alike: there is one right one.
  if (!whole || whole->empty() || base64url_encode(*whole) != sealed) return invalid("it is not a sealed text");
  if (whole->front() != version)
    return invalid("it is of another version of chatrelay (sealed as " +
                   std::to_string(static_cast<unsigned char>(whole->front())) + ")");
  if (whole->size() < 1 + nonce_bytes + tag_bytes || whole->size() > text_bytes_max)
    return invalid("it is not a sealed text");
  const std::string_view nonce = std::string_view(*whole).substr(1, nonce_bytes);
  const std::string_view encrypted =
      std::string_view(*whole).substr(1 + nonce_bytes, whole->size() - 1 - nonce_bytes - tag_bytes);
  std::string tag = whole->substr(whole->size() - tag_bytes);
  const std::string name_bound = bound(name);
  std::string text(encrypted.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  unsigned char end[tag_bytes];
  const bool ready =
      cipher != nullptr &&
      EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), key_.data(), bytes(nonce), nullptr) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, bytes(name_bound), static_cast<int>(name_bound.size())) == 1 &&
      (encrypted.empty() || EVP_DecryptUpdate(cipher.get(), bytes(text), &length, bytes(encrypted),
                                              static_cast<int>(encrypted.size())) == 1) &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes), tag.data()) == 1;
  CHATRELAY_ASSERT(ready, "AES-256-GCM cannot fail before the tag is compared");
  if (EVP_DecryptFinal_ex(cipher.get(), end, &length) != 1) {
    OPENSSL_cleanse(text.data(), text.size());  // not authentic: nobody may see it
    return invalid("it was sealed with another store_key, under another name, or changed since");
  }
  return text;
}

}  // namespace chatrelay
