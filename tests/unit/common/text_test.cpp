#include "common/text.hpp"

#include <random>

#include <gtest/gtest.h>

namespace chatrelay {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, KnowsWhatIsWellFormed) {
  for (const std::string_view text :
       {""sv, "abc"sv, "a\0b"sv, "\xC3\xA4"sv, "\xE2\x82\xAC"sv, "\xF0\x9F\x98\x80"sv, "\xEF\xBF\xBF"sv,
        "\xF4\x8F\xBF\xBF"sv, "\xED\x9F\xBF"sv, "\xEE\x80\x80"sv, "0123456789abcdef\xC3\xA4"sv})
    EXPECT_TRUE(is_valid_utf8(text)) << text;
}

TEST(Utf8, KnowsWhatIsIllFormed) {
  for (const std::string_view text :
       {"\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC3"sv, "\xC3("sv, "\xE0\x80\x80"sv, "\xE0\x9F\xBF"sv,
        "\xE2\x82"sv, "\xED\xA0\x80"sv, "\xED\xBF\xBF"sv, "\xF0\x80\x80\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xF0\x9F\x98"sv,
        "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv, "\xFE"sv, "01234567\x80"sv})
    EXPECT_FALSE(is_valid_utf8(text)) << text;
}

TEST(Utf8, RepairReplacesMaximalSubparts) {
  // Unicode 15, tables 3-8 to 3-11.
  EXPECT_EQ(repair_utf8("\x61\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            "a\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
  EXPECT_EQ(repair_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
  EXPECT_EQ(repair_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD"
            "A");
  EXPECT_EQ(repair_utf8("Gr\xFC\xDF"), "Gr\uFFFD\uFFFD");
}

TEST(Utf8, RepairKeepsWhatIsRight) {
  const std::string text = "plain, \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 and \n control";
  EXPECT_EQ(repair_utf8(text), text);
}

TEST(Utf8, RepairedTextIsAlwaysWellFormed) {
  std::mt19937 random(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (unsigned n = random() % 12; n > 0; --n) {
      // Bytes at the borders of the ranges are the interesting ones.
      static constexpr unsigned char borders[] = {0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                                  0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF};
      text += static_cast<char>(borders[random() % sizeof borders]);
    }
    const std::string repaired = repair_utf8(text);
    ASSERT_TRUE(is_valid_utf8(repaired));
    ASSERT_EQ(repaired == text, is_valid_utf8(text));
    ASSERT_EQ(repair_utf8(repaired), repaired);
  }
}

TEST(Truncate, CutsBetweenCharacters) {
  EXPECT_EQ(truncate_utf8("abc", 3), "abc");
  EXPECT_EQ(truncate_utf8("abc", 2), "ab");
  EXPECT_EQ(truncate_utf8("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(truncate_utf8("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(truncate_utf8("\xF0\x9F\x98\x80", 3), "");
  EXPECT_EQ(truncate_utf8("abc", 0), "");
  EXPECT_EQ(truncate_utf8(std::string(10, '\x80'), 5).size(), 5u);  // not text: no character to keep whole
}

TEST(Printable, ShowsControlCharactersAsEscapes) {
  EXPECT_EQ(printable("a\nb\r\tc\x1B[31m\x7F"), "a\\x0ab\\x0d\\x09c\\x1b[31m\\x7f");
  EXPECT_EQ(printable("nul \0 byte"sv), "nul \\x00 byte");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\x9b31m");                                         // the one-byte CSI
  EXPECT_EQ(printable("a\u2028b\u202Ec"), "a\\u2028b\\u202ec");  // a line separator, and a right-to-left override
  EXPECT_EQ(printable("Gr\xC3\xBC\xC3\x9F \xFF"), "Gr\xC3\xBC\xC3\x9F \uFFFD");
}

TEST(Printable, CutsLongText) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef…");
  EXPECT_EQ(printable("abcde\n", 6), "abcde…");  // the escape does not fit
  EXPECT_LE(printable(std::string(100'000, 'x')).size(), 203u);
}

TEST(Html, EscapesWhatMarkupIsMadeOf) {
  EXPECT_EQ(escape_html("<a href=\"x\" b='y'>&amp;</a>"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
  EXPECT_EQ(escape_html("plain \xC3\xA4"), "plain \xC3\xA4");
}

TEST(Percent, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b/c?d=e&f%\xC3\xA4\n"), "a%20b%2Fc%3Fd%3De%26f%25%C3%A4%0A");
}

TEST(Ascii, LowersTrimsAndCompares) {
  EXPECT_EQ(to_lower_ascii("Content-TYPE \xC3\x84"), "content-type \xC3\x84");
  EXPECT_EQ(trim(" \t\r\n a b \v\f"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_TRUE(iequals_ascii("ETag", "etag"));
  EXPECT_FALSE(iequals_ascii("ETag", "etags"));
  EXPECT_FALSE(iequals_ascii("\xC3\x84", "\xC3\xA4"));
}

TEST(Nearest, FindsTheTypingError) {
  const std::string_view known[] = {"system", "secrets", "dedup", "ack_budget", "limits"};
  const auto near = [&](std::string_view word) { return nearest(word, known, std::size(known)); };
  EXPECT_EQ(near("secrts"), "secrets");
  EXPECT_EQ(near("sercets"), "secrets");
  EXPECT_EQ(near("Secrets"), "secrets");
  EXPECT_EQ(near("limit"), "limits");
  EXPECT_EQ(near("ack-budget"), "ack_budget");
  EXPECT_EQ(near("colour"), "");
  EXPECT_EQ(near(""), "");
  EXPECT_EQ(near(std::string(100'000, 's')), "");
  EXPECT_EQ(nearest("x", nullptr, 0), "");
}

}  // namespace
}  // namespace chatrelay
