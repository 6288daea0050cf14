// matches_page: Livechatoo's wildcard on pages, in rules.
#include "helpers.hpp"

namespace chatrelay::expression {
namespace {

std::string fits(const std::string& url, const std::string& pattern) {
  const json::value event{{"visitor", {{"page", {{"url", url}}}}}};
  return eval("matches_page(" + json::serialize(json::value(pattern)) + ")", event);
}

TEST(MatchesPage, a_star_stands_for_anything) {
  EXPECT_EQ(fits("https://www.example.com/basket", "*example.com/basket"), "[true]");
  EXPECT_EQ(fits("https://www.example.com/basket/2", "*example.com/basket"), "[false]") << "the whole address";
  EXPECT_EQ(fits("https://www.example.com/basket/2", "*example.com/basket*"), "[true]");
  EXPECT_EQ(fits("https://www.example.com/basket", "https://www.example.com/basket"), "[true]");
  EXPECT_EQ(fits("https://www.example.com/basket", "example.com"), "[false]");
  EXPECT_EQ(fits("https://x.example/é/b/c", "https://*/é*c"), "[true]");
  EXPECT_EQ(fits("https://x.example/ab", "https://x.example/ab*b"), "[false]") << "no letter counts twice";
  EXPECT_EQ(fits("https://x.example/aXbXc", "*a*X*X*c"), "[true]");
  EXPECT_EQ(fits("https://x.example/aXc", "*a*X*X*c"), "[false]");
  EXPECT_EQ(fits("https://x.example/", "**"), "[true]");
  EXPECT_EQ(fits("https://x.example/a.b", "*a?b"), "[false]") << "only the star is special";
}

TEST(MatchesPage, query_and_fragment_count_where_the_pattern_has_them) {
  EXPECT_EQ(fits("https://example.com/basket?step=2#top", "*example.com/basket"), "[true]");
  EXPECT_EQ(fits("https://example.com/basket?step=2#top", "*?step=2"), "[true]");
  EXPECT_EQ(fits("https://example.com/basket?step=3", "*?step=2"), "[false]");
  EXPECT_EQ(fits("https://example.com/#basket", "*#basket"), "[true]");
  EXPECT_EQ(fits("https://example.com/?step=2#basket", "*example.com/#basket"), "[true]") << "a query is no fragment";
  EXPECT_EQ(fits("https://example.com/?step=2#basket", "*?step=2#basket"), "[true]");
  EXPECT_EQ(fits("https://example.com/?step=2#basket", "*?step=2"), "[true]");
  EXPECT_EQ(fits("https://example.com/?step=2#/basket?size=3", "*.com/#/basket"), "[true]")
      << "addresses of one-page apps";
  EXPECT_EQ(fits("https://example.com/?step=2#/basket?size=3", "*.com/#/basket?size=3"), "[true]");
  EXPECT_EQ(fits("https://example.com/?step=2#/basket?size=3", "*.com/#/basket?size=4"), "[false]");
  EXPECT_EQ(fits("", ""), "[true]");
}

TEST(MatchesPage, takes_lists_and_addresses_and_never_fails_on_an_event) {
  EXPECT_EQ(eval("matches_page([\"*/a\", \"*/b\"])", "{\"visitor\": {\"page\": {\"url\": \"https://x/b\"}}}"),
            "[true]");
  EXPECT_EQ(eval("[.pages[] | select(matches_page(\"*/b\"))]", "{\"pages\": [\"https://x/a\", \"https://x/b\"]}"),
            "[[\"https://x/b\"]]");
  EXPECT_EQ(eval("matches_page(\"*\"), matches_page([]), matches_page(5)", "{\"visitor\": null}"),
            "[false,false,false]");
  EXPECT_EQ(eval("matches_page(\"*\")", "5"), "[false]");
  EXPECT_EQ(eval("matches_page"), "REFUSED: \"matches_page\": matches_page is not defined for 0 arguments");
}

TEST(MatchesPage, reads_the_visitor_alone) {
  config::Problems problems;
  Builder builder(tables());
  const ExpressionId id = builder.add("matches_page(\"*/a\") and .type == \"incoming_chat\"", here, problems);
  EXPECT_FALSE(problems.has_errors()) << problems.to_string();
  EXPECT_FALSE(builder.mentions(id, "transcript"));
  EXPECT_TRUE(builder.mentions(id, "visitor"));
}

}  // namespace
}  // namespace chatrelay::expression
