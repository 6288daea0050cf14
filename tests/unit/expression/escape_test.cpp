#include "expression/escape.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "common/text.hpp"

namespace chatrelay::expression {
namespace {

TEST(Escape, names_are_known_both_ways) {
  for (const Escape escape :
       {Escape::none, Escape::url, Escape::html, Escape::slack_mrkdwn, Escape::telegram_markdown, Escape::telegram_html,
        Escape::markdown, Escape::teams_markdown, Escape::matrix_html, Escape::zero_width})
    EXPECT_EQ(escape_from(to_string(escape)), escape) << to_string(escape);
  EXPECT_EQ(escape_from("bbcode"), std::nullopt);
}

TEST(Escape, slack_gets_three_entities_and_nothing_else) {
  EXPECT_EQ(escaped("<!channel> a & b \"c\" *d*", Escape::slack_mrkdwn), "&lt;!channel&gt; a &amp; b \"c\" *d*");
}

TEST(Escape, telegram) {
  EXPECT_EQ(escaped("_*[]()~`>#+-=|{}.!\\", Escape::telegram_markdown),
            "\\_\\*\\[\\]\\(\\)\\~\\`\\>\\#\\+\\-\\=\\|\\{\\}\\.\\!\\\\");
  EXPECT_EQ(escaped("a b, c: d/e é", Escape::telegram_markdown), "a b, c: d/e é");
  EXPECT_EQ(escaped("<b>&\"'", Escape::telegram_html), "&lt;b&gt;&amp;&quot;'");
}

TEST(Escape, markdown_shows_marks_as_they_are) {
  EXPECT_EQ(escaped("*a* _b_ `c` [d](http://e) ~~f~~ ||g|| \\h", Escape::markdown),
            "\\*a\\* \\_b\\_ \\`c\\` \\[d\\](http://e) \\~\\~f\\~\\~ \\|\\|g\\|\\| \\\\h");
  EXPECT_EQ(escaped("# a\n> b\n- c\n  + d\n1. e\n12) f\n===", Escape::markdown),
            "\\# a\n\\> b\n\\- c\n  \\+ d\n1\\. e\n12\\) f\n\\===");
  EXPECT_EQ(escaped("1.5 - 2 > 1 # x", Escape::markdown), "1\\.5 - 2 > 1 # x");
  EXPECT_EQ(escaped("https://example.com/a_b_1 _a_b_ a__b", Escape::markdown),
            "https://example.com/a_b_1 \\_a_b\\_ a\\_\\_b")
      << "within a word it is no mark, and an address stays one";
}

TEST(Escape, markdown_mentions_nobody) {
  const std::string zwsp = "\xe2\x80\x8b";
  for (const std::string group : {"all", "here", "channel", "everyone", "room", "HERE", "eve"})
    EXPECT_EQ(escaped("hi @" + group + "!", Escape::markdown), "hi @" + zwsp + group + "!") << group;
  EXPECT_EQ(escaped("x@everyone <@123> <@&5>", Escape::markdown),
            "x@" + zwsp + "everyone <@" + zwsp + "123> <@" + zwsp + "&5>");
  EXPECT_EQ(escaped("<!here> <#1> </x:1> <t:1> <http://e|f>", Escape::markdown),
            "<" + zwsp + "!here> <" + zwsp + "#1> <" + zwsp + "/x:1> <" + zwsp + "t:1> <" + zwsp + "http://e\\|f>");
  EXPECT_EQ(escaped("1 < 2 <3", Escape::markdown), "1 < 2 <3");
  EXPECT_EQ(escaped("eve@example.com", Escape::markdown), "eve@example.com");
  EXPECT_EQ(escaped("/me waves", Escape::markdown), zwsp + "/me waves");
  EXPECT_EQ(escaped("a /me", Escape::markdown), "a /me");
}

TEST(Escape, teams_gets_entities_too) {
  EXPECT_EQ(escaped("<at>x</at> & *y*\n> z", Escape::teams_markdown), "&lt;at&gt;x&lt;/at&gt; &amp; \\*y\\*\n&gt; z");
}

TEST(Escape, matrix_keeps_line_breaks) {
  EXPECT_EQ(escaped("<a>\r\nb\nc", Escape::matrix_html), "&lt;a&gt;<br>b<br>c");
}

TEST(Escape, zero_width_parts_marks) {
  const std::string zwsp = "\xe2\x80\x8b";
  EXPECT_EQ(escaped("*a @b", Escape::zero_width), "*" + zwsp + "a @" + zwsp + "b");
}

// Whatever a visitor types: valid text stays valid, it takes no time that grows faster than it does, and taking the
// escapes away gives what went in.
TEST(Escape, hostile_text_stays_text) {
  const std::string hostile = "\xe2\x80\xae<script>\r\n@all {{ .x }} \xef\xbf\xbd\xf0\x9f\x98\x80 & \\";
  std::string large;
  while (large.size() < 100'000) large += hostile;
  for (const Escape escape : {Escape::slack_mrkdwn, Escape::telegram_markdown, Escape::telegram_html, Escape::markdown,
                              Escape::teams_markdown, Escape::matrix_html, Escape::zero_width}) {
    const std::string out = escaped(large, escape);
    EXPECT_TRUE(is_valid_utf8(out)) << to_string(escape);
    EXPECT_LT(out.size(), large.size() * 3) << to_string(escape);
    EXPECT_EQ(escaped("", escape), "");
  }
  std::string telegram = escaped(large, Escape::telegram_markdown);
  std::string back;
  for (std::size_t i = 0; i < telegram.size(); ++i) {
    if (telegram[i] == '\\') ++i;
    back += telegram[i];
  }
  EXPECT_EQ(back, large);
}

}  // namespace
}  // namespace chatrelay::expression
