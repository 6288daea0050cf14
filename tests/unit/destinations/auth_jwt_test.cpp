#include "destinations/connector/auth_jwt.hpp"

#include <memory>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "common/crypto.hpp"
#include "common/json.hpp"
#include "unit/destinations/auth_keys.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::connector;
namespace keys = chatrelay::destinations::testing;

namespace {

const json::object claims{{"iss", "client-1"}, {"exp", 1'800'000'000}};

bool verifies(const std::string& jwt) {
  const std::size_t dot = jwt.rfind('.');
  const std::string signature = *base64_decode(jwt.substr(dot + 1));
  const std::unique_ptr<BIO, void (*)(BIO*)> bio(BIO_new_mem_buf(keys::rsa_public_key, -1), BIO_free_all);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr),
                                                           EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EXPECT_EQ(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()), 1);
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(jwt.data()), dot) == 1;
}

}  // namespace

TEST(AuthJwt, IsSignedAndHoldsItsClaims) {
  const auto jwt = sign_jwt_rs256(claims, keys::rsa_private_key);
  ASSERT_TRUE(jwt) << jwt.error().message;
  EXPECT_TRUE(verifies(*jwt));
  const std::size_t first = jwt->find('.');
  const std::size_t second = jwt->rfind('.');
  EXPECT_EQ(*base64_decode(jwt->substr(0, first)), R"({"alg":"RS256","typ":"JWT"})");
  EXPECT_EQ(*parse_json(*base64_decode(jwt->substr(first + 1, second - first - 1))), json::value(claims));
}

TEST(AuthJwt, AChangedClaimIsNoLongerSigned) {
  std::string jwt = *sign_jwt_rs256(claims, keys::rsa_private_key);
  const std::size_t at = jwt.find('.') + 5;
  jwt[at] = jwt[at] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(verifies(jwt));
}

TEST(AuthJwt, TakesAKeyWhoseLineBreaksAreWrittenOut) {
  std::string one_line;
  for (const char c : std::string(keys::rsa_private_key)) one_line += c == '\n' ? "\\n" : std::string(1, c);
  const auto jwt = sign_jwt_rs256(claims, one_line);
  ASSERT_TRUE(jwt) << jwt.error().message;
  EXPECT_TRUE(verifies(*jwt));
}

TEST(AuthJwt, SaysWhatIsWrongWithAKeyAndNeverShowsIt) {
  const std::pair<std::string, std::string> wrong[] = {{"", "cannot be read"},
                                                       {"-----BEGIN PRIVATE KEY-----\nAAAA\n", "cannot be read"},
                                                       {keys::rsa_private_key_encrypted, "without a password"},
                                                       {keys::rsa_public_key, "cannot be read"},
                                                       {keys::ec_private_key, "not an RSA key"},
                                                       {keys::rsa_private_key_1024, "fewer than 2048 bits"}};
  for (const auto& [key, message] : wrong) {
    const auto checked = check_rs256_key(key);
    ASSERT_FALSE(checked) << message;
    EXPECT_EQ(checked.error().kind, ErrorKind::invalid);
    EXPECT_NE(checked.error().message.find(message), std::string::npos) << checked.error().message;
    EXPECT_FALSE(sign_jwt_rs256(claims, key));
    EXPECT_EQ(checked.error().message.find("BEGIN"), std::string::npos);
  }
}
