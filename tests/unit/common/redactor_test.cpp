// The Redactor, attacked: every way in which a known secret could still reach a log line.
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "common/crypto.hpp"
#include "common/log.hpp"
#include "common/secret.hpp"
#include "common/text.hpp"

namespace chatrelay {
namespace {

const std::string secret = "s3cr3t/T0ken+\"with\" <odd> \\chars&ü";

bool leaks(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

class Redactor : public testing::Test {
 protected:
  static void SetUpTestSuite() { redactor::add(secret); }
};

TEST_F(Redactor, BlanksTheSecretItself) {
  EXPECT_EQ(redactor::redact("token=" + secret + " end"), "token=[secret] end");
  EXPECT_EQ(redactor::redact(secret), "[secret]");
  EXPECT_EQ(redactor::redact(secret + secret), "[secret][secret]");
}

TEST_F(Redactor, LeavesOtherTextAlone) {
  for (const std::string text :
       {"", "a", "ab", "s3cr3t", "nothing to see here", "s3cr3t/T0ken+\"with\" <odd> \\chars&"})
    EXPECT_EQ(redactor::redact(text), text);
}

TEST_F(Redactor, BlanksItPercentEncoded) {
  const std::string encoded = percent_encode(secret);
  EXPECT_FALSE(leaks(redactor::redact("GET /x?t=" + encoded), encoded));
  const std::string lower = "s3cr3t%2fT0ken%2b%22with%22%20%3codd%3e%20%5cchars%26%c3%bc";
  EXPECT_FALSE(leaks(redactor::redact("GET /x?t=" + lower), "T0ken"));
  const std::string form = "s3cr3t%2FT0ken%2B%22with%22+%3Codd%3E+%5Cchars%26%C3%BC";
  EXPECT_FALSE(leaks(redactor::redact("t=" + form + "&u=1"), "T0ken"));
}

TEST_F(Redactor, BlanksItJsonEscaped) {
  const std::string escaped = boost::json::serialize(boost::json::value(boost::json::string(secret)));
  EXPECT_EQ(redactor::redact("{\"t\":" + escaped + "}"), "{\"t\":\"[secret]\"}");
  const std::string php = "s3cr3t\\/T0ken+\\\"with\\\" <odd> \\\\chars&ü";
  EXPECT_FALSE(leaks(redactor::redact(php), "T0ken"));
}

TEST_F(Redactor, BlanksItInHtmlAndHex) {
  EXPECT_FALSE(leaks(redactor::redact(escape_html(secret)), "T0ken"));
  const std::string hex = hex_encode({reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()});
  EXPECT_FALSE(leaks(redactor::redact("0x" + hex), hex.substr(10, 20)));
}

TEST_F(Redactor, BlanksItInsideBase64AtEveryOffset) {
  // "Authorization: Basic" holds user:secret, so the secret starts at any of three places in a group.
  const std::string core = base64_encode(secret).substr(8, 24);
  for (const std::string before : {"", "u", "us", "user:", "user1:", "user12:"}) {
    for (const std::string after : {"", "x", ":x", ":xy"}) {
      const std::string whole = base64_encode(before + secret + after);
      const std::string redacted = redactor::redact("Authorization: Basic " + whole);
      EXPECT_NE(redacted.find("[secret]"), std::string::npos) << before << '|' << after;
      // At most the groups at the borders remain: not enough for any eight bytes of the secret.
      const std::string rest = redacted.substr(21);
      EXPECT_LE(rest.size(), std::string("[secret]").size() + before.size() * 2 + after.size() * 2 + 12) << rest;
      const std::string url = redactor::redact(base64url_encode(before + secret + after));
      EXPECT_NE(url.find("[secret]"), std::string::npos) << before << '|' << after;
    }
  }
}

TEST_F(Redactor, BlanksOverlappingSecretsAsOne) {
  redactor::add("overlap-AAAA-BBBB");
  redactor::add("BBBB-CCCC-overlap");
  EXPECT_EQ(redactor::redact("x overlap-AAAA-BBBB-CCCC-overlap y"), "x [secret] y");
}

TEST_F(Redactor, PrefersTheLongerOfTwoThatStartAlike) {
  redactor::add("prefix-one");
  redactor::add("prefix-one-and-more");
  EXPECT_EQ(redactor::redact("<prefix-one-and-more>"), "<[secret]>");
  EXPECT_EQ(redactor::redact("<prefix-one-and>"), "<[secret]-and>");
}

TEST_F(Redactor, BlanksTheInnerSecretOfALongerText) {
  redactor::add("inner-secret-1");
  redactor::add("begin-inner-secret-1-end");
  EXPECT_EQ(redactor::redact("begin-inner-secret-1-end inner-secret-1"), "[secret] [secret]");
}

TEST_F(Redactor, DoesNotTakeShortValues) {
  redactor::add("abc");
  redactor::add("");
  EXPECT_EQ(redactor::redact("abc abc"), "abc abc");
}

TEST_F(Redactor, FindsASecretAtTheVeryEnd) {
  redactor::add("qzqz");
  EXPECT_EQ(redactor::redact("xqzqz"), "x[secret]");
  EXPECT_EQ(redactor::redact("qzqzqz"), "[secret]");  // it stands twice, overlapping
  EXPECT_EQ(redactor::redact("qzq"), "qzq");
}

TEST_F(Redactor, TakesSecretsWithBytesThatAreNotText) {
  const std::string binary("\x00\xFF\x01key\n", 7);
  redactor::add(binary);
  EXPECT_EQ(redactor::redact("a" + binary + "b"), "a[secret]b");
  EXPECT_EQ(redactor::redact(printable("a" + binary + "b")), "a[secret]b");
}

TEST_F(Redactor, TakesManySecretsAndThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) {
        const std::string mine = "thread-" + std::to_string(t) + "-secret-" + std::to_string(i);
        redactor::add(mine);
        EXPECT_EQ(redactor::redact("<" + mine + ">").substr(0, 9), "<[secret]");
      }
    });
  for (auto& thread : threads) thread.join();
}

class LoggedSecret : public Redactor, public testing::WithParamInterface<log::Format> {
 protected:
  void TearDown() override { log::configure(log::Level::info, log::Format::text); }
  std::string line(std::string_view message, log::Fields fields) {
    log::configure(log::Level::info, GetParam());
    testing::internal::CaptureStderr();
    log::info(message, fields);
    return testing::internal::GetCapturedStderr();
  }
};

TEST_P(LoggedSecret, NeverShows) {
  const std::string text =
      line("message " + secret,
           {{"plain", secret},
            {"inside", "before " + secret + " after"},
            {secret, "as a key"},
            {"nested", boost::json::value{{"deep", boost::json::array{1, boost::json::value{{"deeper", secret}}}}}},
            {"url", "https://example.com/?token=" + percent_encode(secret)},
            {"basic", base64_encode("user:" + secret)},
            {"json", boost::json::serialize(boost::json::value{{"t", secret}})}});
  EXPECT_FALSE(leaks(text, "T0ken")) << text;
  EXPECT_FALSE(leaks(text, base64_encode(secret).substr(8, 20))) << text;
  EXPECT_FALSE(leaks(text, base64_encode("user:" + secret).substr(12, 20))) << text;
}

INSTANTIATE_TEST_SUITE_P(Formats, LoggedSecret, testing::Values(log::Format::text, log::Format::json));

}  // namespace
}  // namespace chatrelay
