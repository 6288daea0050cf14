#include "common/seal.hpp"

#include <gtest/gtest.h>

#include "common/crypto.hpp"

using namespace chatrelay;

namespace {

Sealer sealer(const std::string& key = "0123456789abcdef0123456789abcdef") {
  return *Sealer::create(Secret(key));
}

// The sealed text with one bit of its n-th byte turned over.
std::string with_bit_turned(const std::string& sealed, std::size_t n) {
  std::string whole = *base64_decode(sealed);
  whole[n] = static_cast<char>(whole[n] ^ 1);
  return base64url_encode(whole);
}

}  // namespace

TEST(Seal, OpensWhatItSealed) {
  const Sealer s = sealer();
  for (const std::string& text :
       {std::string(), std::string("1//refresh"), std::string("a\0b\xff", 4), std::string(100'000, 'x')}) {
    const auto opened = s.open(s.seal(text, "token:crm"), "token:crm");
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(*opened, text);
  }
}

TEST(Seal, OpensAfterARestartWithTheSameKey) {
  const std::string sealed = sealer().seal("secret", "n");
  EXPECT_EQ(*sealer().open(sealed, "n"), "secret");
}

// The format outlives releases. Computed with Python's cryptography and with Node's crypto.
TEST(Seal, OpensATextThatOthersSealedByTheSameRules) {
  const auto opened = sealer().open("AQABAgMEBQYHCAkKC1DLnFiAEhuKPf_1A04jB4wX1TZ6v82rG-QZ", "token:crm");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(*opened, "1//refresh");
}

TEST(Seal, TheSameTextIsSealedDifferentlyEachTimeAndShowsNothing) {
  const Sealer s = sealer();
  const std::string one = s.seal("the same refresh token", "n");
  const std::string two = s.seal("the same refresh token", "n");
  EXPECT_NE(one, two);
  EXPECT_EQ(base64_decode(one)->find("refresh"), std::string::npos);
}

TEST(Seal, EveryChangedByteIsAnError) {
  const Sealer s = sealer();
  const std::string sealed = s.seal("secret", "n");
  const std::size_t size = base64_decode(sealed)->size();
  ASSERT_EQ(size, 1u + 12 + 6 + 16);
  for (std::size_t n = 0; n < size; ++n) EXPECT_FALSE(s.open(with_bit_turned(sealed, n), "n")) << "byte " << n;
}

TEST(Seal, EveryOtherTextOfBase64IsAnErrorEvenIfItDecodesAlike) {
  const Sealer s = sealer();
  const std::string sealed = s.seal("secre", "n");  // 34 bytes: the last character has bits that mean nothing
  ASSERT_EQ(base64_decode(sealed)->size() % 3, 1u);
  std::string other = sealed;
  other.back() = other.back() == 'B' ? 'C' : static_cast<char>(other.back() + 1);
  EXPECT_FALSE(s.open(other, "n"));
  EXPECT_FALSE(s.open(sealed + "=", "n"));
  EXPECT_FALSE(s.open(sealed + "==", "n"));
}

TEST(Seal, WhatWasCutIsAnError) {
  const Sealer s = sealer();
  const std::string whole = *base64_decode(s.seal("secret", "n"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(s.open(base64url_encode(whole.substr(0, size)), "n")) << size;
}

TEST(Seal, OpensUnderNoOtherName) {
  const Sealer s = sealer();
  const std::string sealed = s.seal("secret", "token:crm");
  EXPECT_FALSE(s.open(sealed, "token:erp"));
  EXPECT_FALSE(s.open(sealed, ""));
}

TEST(Seal, OpensWithNoOtherKey) {
  const std::string sealed = sealer().seal("secret", "n");
  const auto opened = sealer("0123456789abcdef0123456789abcdeF").open(sealed, "n");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::invalid);
  EXPECT_NE(opened.error().message.find("store_key"), std::string::npos);
  EXPECT_EQ(opened.error().message.find("secret"), std::string::npos);
}

TEST(Seal, AnotherVersionIsNamed) {
  std::string whole = *base64_decode(sealer().seal("secret", "n"));
  whole[0] = 7;
  const auto opened = sealer().open(base64url_encode(whole), "n");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("sealed as 7"), std::string::npos) << opened.error().message;
}

TEST(Seal, RefusesAKeyThatIsTooShort) {
  EXPECT_FALSE(Sealer::create(Secret("")));
  EXPECT_FALSE(Sealer::create(Secret("fifteen letters")));
  EXPECT_TRUE(Sealer::create(Secret("sixteen letters!")));
}
