#include <gtest/gtest.h>

#include "common/text.hpp"
#include "destinations/connector/text_limit.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::connector;

namespace {

using Pieces = std::vector<std::string>;

TextLimit limit(std::size_t length, TextUnit unit = TextUnit::characters) {
  return {length, unit, TextMode::split};
}

}  // namespace

TEST(TextLimit, CountsInTheServicesUnit) {
  const std::string text = "aé😀";
  EXPECT_EQ(text_length(text, TextUnit::characters), 3u);
  EXPECT_EQ(text_length(text, TextUnit::utf16), 4u);
  EXPECT_EQ(text_length(text, TextUnit::bytes), 7u);
}

TEST(TextLimit, TruncatedEndsWithAnEllipsisAndIsNoLonger) {
  EXPECT_EQ(truncated("abcdef", limit(6)), "abcdef");
  EXPECT_EQ(truncated("abcdefg", limit(6)), "abcde…");
  EXPECT_EQ(truncated("😀😀😀😀", limit(5, TextUnit::utf16)), "😀😀…");
  EXPECT_EQ(truncated("abcdefgh", limit(6, TextUnit::bytes)), "abc…");
  EXPECT_EQ(truncated("éééé", limit(2, TextUnit::bytes)), "é");
  EXPECT_EQ(truncated("a &lt;b and more", limit(6)), "a …");
  EXPECT_EQ(truncated("abcd\\*efgh", limit(6)), "abcd…");
}

TEST(TextLimit, PiecesEndAtLinesAndWords) {
  EXPECT_EQ(split("short", limit(10)), (Pieces{"short"}));
  EXPECT_EQ(split("", limit(10)), (Pieces{""}));
  EXPECT_EQ(split("first line\nsecond line", limit(14)), (Pieces{"first line", "second line"}));
  EXPECT_EQ(split("one two three four", limit(10)), (Pieces{"one two", "three four"}));
  EXPECT_EQ(split("abcdefghij", limit(4)), (Pieces{"abcd", "efgh", "ij"}));
  EXPECT_EQ(split("aaaaaaa&amp;bb", limit(9)), (Pieces{"aaaaaaa", "&amp;bb"}));
  EXPECT_EQ(split("aaaa\\*bb", limit(5)), (Pieces{"aaaa", "\\*bb"}));
  EXPECT_EQ(split("      \n      ", limit(5)), (Pieces{"   "}));
}

TEST(TextLimit, WhatStoodWithinALineBeginsNoBlockInTheNextPiece) {
  const std::string mark = "\xe2\x80\x8b";
  TextLimit markdown = limit(12);
  markdown.escape = expression::Escape::markdown;
  EXPECT_EQ(split("aaaa bbbb # cc", markdown), (Pieces{"aaaa bbbb", mark + "# cc"}));
  EXPECT_EQ(split("aaaa bbbb 1. c", markdown), (Pieces{"aaaa bbbb", mark + "1. c"}));
  EXPECT_EQ(split("aaaa bbbb !ccc", markdown), (Pieces{"aaaa bbbb", mark + "!ccc"}));
  EXPECT_EQ(split("aaaabbbbccc@eve", markdown), (Pieces{"aaaabbbbccc", "@" + mark + "eve"}));
  EXPECT_EQ(split("aaaa bbbb cccc", markdown), (Pieces{"aaaa bbbb", "cccc"}));
  // What begins a line stands there because somebody wanted it: it is escaped already, or the rule's own.
  EXPECT_EQ(split("aaaa bbbb\n# cc", markdown), (Pieces{"aaaa bbbb", "# cc"}));
  EXPECT_EQ(split("aaaa bbbb # cc", limit(12)), (Pieces{"aaaa bbbb #", "cc"}));
  EXPECT_EQ(split("aaaa # b 1. c", markdown), (Pieces{"aaaa # b", mark + "1. c"}));
  EXPECT_EQ(split("aaaa bbbb cc", markdown), (Pieces{"aaaa bbbb cc"}));
}

// Whatever the text and the limit: no piece is longer, none is broken, and it ends.
TEST(TextLimit, HostileTextIsSplitWithinBounds) {
  const std::string hostile[] = {std::string(100'000, '\\'), std::string(100'000, '&'), std::string(100'000, '\n'),
                                 std::string(50'000, ' ') + "x", "\xe2\x80\xae😀😀😀😀😀😀😀&amp;&amp;\\\\\\*"};
  for (const std::string& text : hostile) {
    for (const std::size_t length : {1u, 2u, 3u, 7u, 4000u}) {
      for (const TextUnit unit : {TextUnit::characters, TextUnit::utf16, TextUnit::bytes}) {
        const Pieces pieces = split(text, limit(length, unit));
        EXPECT_GE(pieces.size(), 1u);
        EXPECT_LE(pieces.size(), 50u);
        for (const std::string& piece : pieces) {
          EXPECT_TRUE(is_valid_utf8(piece));
          // One character that is longer than the limit itself cannot be cut.
          EXPECT_LE(text_length(piece, unit), std::max<std::size_t>(length, 4));
        }
      }
    }
  }
}
