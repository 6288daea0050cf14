#include "common/crypto.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/secret.hpp"

namespace chatrelay {
namespace {

using namespace std::string_view_literals;

std::string hex(const Digest& digest) {
  return hex_encode(digest);
}

TEST(Sha256, GivesTheKnownDigests) {  // FIPS 180-4
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(HmacSha256, GivesTheKnownDigests) {  // RFC 4231
  EXPECT_EQ(hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(HmacSha256, DoesNotRememberTheLastKey) {
  const Digest first = hmac_sha256("key one", "data");
  EXPECT_NE(hex(hmac_sha256("", "data")), hex(first));
  EXPECT_NE(hex(hmac_sha256("key two", "data")), hex(first));
  EXPECT_EQ(hex(hmac_sha256("key one", "data")), hex(first));
}

TEST(Hex, GoesThereAndBack) {
  EXPECT_EQ(hex_encode(std::vector<std::uint8_t>{0x00, 0x0f, 0xff}), "000fff");
  EXPECT_EQ(hex_decode("000fFF"), "\x00\x0f\xff"sv);
  EXPECT_EQ(hex_decode(""), "");
  for (const char* text : {"0", "0g", "0x00", " 00"}) EXPECT_FALSE(hex_decode(text)) << text;
}

TEST(Base64, GivesTheKnownTexts) {  // RFC 4648 §10
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded), plain);
  }
  EXPECT_EQ(base64_encode("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(base64url_encode("\xfb\xff\xfe\xff"), "-__-_w");
}

TEST(Base64, DecodesBothAlphabetsWithAndWithoutPadding) {
  EXPECT_EQ(base64_decode("+//+"), "\xfb\xff\xfe"sv);
  EXPECT_EQ(base64_decode("-__-"), "\xfb\xff\xfe"sv);
  EXPECT_EQ(base64_decode("Zg"), "f");
  for (const char* text : {"Z", "Zg=", "Zg===", "=", "Zm9v=", "Zm 9v", "Zm9v\n", "Zm9v!", "Zg==Zg=="})
    EXPECT_FALSE(base64_decode(text)) << text;
}

TEST(Base64, GoesThereAndBackForEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
    EXPECT_EQ(base64_decode(base64url_encode(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(Hash128, TellsPartsApart) {
  const auto hash = [](std::vector<std::string_view> parts) { return hash128(parts); };
  EXPECT_EQ(hash({"ab", "c"}), hash({"ab", "c"}));
  EXPECT_NE(hash({"ab", "c"}), hash({"a", "bc"}));
  EXPECT_NE(hash({"ab"}), hash({"ab", ""}));
  EXPECT_NE(hash({}), hash({""}));
  EXPECT_NE(hash({"a\0b"sv}), hash({"a"}));
}

TEST(Hash128, IsTheSameForEver) {
  // Names on disk are made of it: another value would forget every duplicate and split every lane.
  const std::string_view parts[] = {"crm", "livechat"};
  const Hash128 hash = hash128(parts);
  const Digest expected = sha256("\x03\0\0\0\0\0\0\0crm\x08\0\0\0\0\0\0\0livechat"sv);
  std::uint64_t high = 0;
  for (int i = 0; i < 8; ++i) high = high << 8 | expected[static_cast<std::size_t>(i)];
  EXPECT_EQ(hash.high, high);
}

TEST(Random, FillsAndDiffers) {
  std::vector<std::uint8_t> a(64), b(64);
  random_bytes(a);
  random_bytes(b);
  EXPECT_NE(a, b);
  EXPECT_NE(random_u64(), random_u64());
}

TEST(ConstantTime, ComparesContents) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("secret", "secret"));
  EXPECT_FALSE(equal_constant_time("secret", "secreT"));
  EXPECT_FALSE(equal_constant_time("secret", "secret\0"sv));
  EXPECT_FALSE(equal_constant_time("secret", ""));
}

TEST(ConstantTime, WorksOnEveryThread) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k)
        right += equal_constant_time("the same", "the same") && !equal_constant_time("the same", "another");
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
}

TEST(SecretValue, NeverMatchesWhenEmpty) {
  EXPECT_FALSE(Secret().matches(""));
  EXPECT_FALSE(Secret("").matches(""));
  EXPECT_TRUE(Secret("hunter2-crypto").matches("hunter2-crypto"));
  EXPECT_FALSE(Secret("hunter2-crypto").matches("hunter2-crypt"));
}

}  // namespace
}  // namespace chatrelay
