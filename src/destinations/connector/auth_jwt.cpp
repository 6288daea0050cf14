#include "destinations/connector/auth_jwt.hpp"

#include <memory>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "common/crypto.hpp"

namespace chatrelay::destinations::connector {

namespace json = boost::json;

namespace {

constexpr std::size_t key_bytes_max = 64 << 10;  // Limit: a PEM of 16384 bits has 13 KiB
constexpr int key_bits_min = 2048;               // RFC 7518 §3.3

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;

// The PEM with real line breaks.
std::string with_line_breaks(std::string_view pem) {
  std::string out;
  for (std::size_t i = 0; i < pem.size(); ++i) {
    const bool escaped = pem[i] == '\\' && i + 1 < pem.size() && pem[i + 1] == 'n';
    out += escaped ? '\n' : pem[i];
    if (escaped) ++i;
  }
  return out;
}

// Without it OpenSSL asks on the terminal for the password of an encrypted key.
int no_password(char*, int, int, void*) {
  return 0;
}

Result<Key> read_key(std::string_view private_key) {
  if (private_key.size() > key_bytes_max) return invalid("the private key is longer than 64 KiB");
  const std::string pem = with_line_breaks(private_key);
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr);
  ERR_clear_error();
  if (!key) return invalid("the private key cannot be read: it must be an RSA key in PEM, without a password");
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1) return invalid("the private key is not an RSA key, which RS256 needs");
  if (EVP_PKEY_get_bits(key.get()) < key_bits_min) return invalid("the private key has fewer than 2048 bits");
  return key;
}

}  // namespace

Result<void> check_rs256_key(std::string_view private_key) {
  const Result<Key> key = read_key(private_key);
  if (!key) return key.error();
  return {};
}

Result<std::string> sign_jwt_rs256(const json::object& claims, std::string_view private_key) {
  const Result<Key> key = read_key(private_key);
  if (!key) return key.error();
  const json::object head{{"alg", "RS256"}, {"typ", "JWT"}};
  const std::string input = base64url_encode(json::serialize(head)) + "." + base64url_encode(json::serialize(claims));
  const auto* data = reinterpret_cast<const unsigned char*>(input.data());
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  std::string signature;
  std::size_t length = 0;
  bool ok = context != nullptr && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key->get()) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &length, data, input.size()) == 1;
  if (ok) {
    signature.resize(length);
    ok = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, data,
                        input.size()) == 1;
  }
  ERR_clear_error();
  if (!ok) return Error(ErrorKind::internal, "OpenSSL cannot sign with the private key");
  signature.resize(length);
  return input + "." + base64url_encode(signature);
}

}  // namespace chatrelay::destinations::connector
