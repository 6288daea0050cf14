// The URL forms of Live Helper Chat's router, as its own client and others write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "systems/livehelperchat/endpoints/url_form.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

UrlForm parsed(std::string_view path) {
  const auto form = parse_url_form(path);
  EXPECT_TRUE(form) << path;
  return form.value_or(UrlForm());
}

TEST(UrlForm, KnowsEveryWayToAView) {
  for (const char* path :
       {"/restapi/isonline", "/index.php/restapi/isonline", "/site_admin/restapi/isonline",
        "/index.php/site_admin/restapi/isonline", "/eng/restapi/isonline", "/xx/restapi/isonline",
        "/index.php/ger/restapi/isonline", "/chat/lhc_web/index.php/restapi/isonline", "//restapi//isonline",
        "/restapi/isonline/", "/%72estapi/isonline", "/restapi%2Fisonline", "/index.php//restapi/isonline"}) {
    const UrlForm form = parsed(path);
    EXPECT_EQ(form.view, "isonline") << path;
    EXPECT_THAT(form.ordered, IsEmpty()) << path;
    EXPECT_THAT(form.unordered, IsEmpty()) << path;
  }
}

TEST(UrlForm, IsNothingElse) {
  for (const char* path :
       {"", "restapi/isonline", "/", "/isonline", "/api/v1/livechat/config", "/hooks/restapi", "/Restapi/isonline",
        "/chat/restapi/isonline", "/en/de/restapi/isonline", "/restapix/isonline", "/restapi/iso%0aline",
        "/restapi/a%00b", "/restapi/%zz", "/restapi/isonline%"})
    EXPECT_FALSE(parse_url_form(path)) << path;
  EXPECT_EQ(parsed("/restapi").view, "");
}

TEST(UrlForm, TakesOrderedParameters) {
  EXPECT_EQ(parsed("/restapi/chat/5388").ordered_at(0), "5388");
  EXPECT_THAT(parsed("/restapi/setonlinestatus/4/1").ordered, ElementsAre("4", "1"));
  EXPECT_EQ(parsed("/restapi/chat").ordered_at(0), "");
  EXPECT_EQ(parsed("/restapi/x/a+b%20c").ordered_at(0), "a b c");
}

TEST(UrlForm, AnEmptyValueIsSaidAndEmpty) {
  const UrlForm form =
      parsed("/index.php/restapi/chatcheckoperatormessage/(vid)//(count_page)/1/(tz)/0/(department)/5/(uactiv)/1");
  EXPECT_EQ(form.view, "chatcheckoperatormessage");
  EXPECT_EQ(form.single("vid"), "");
  EXPECT_EQ(form.single("count_page"), "1");
  EXPECT_EQ(form.single("uactiv"), "1");
  EXPECT_EQ(form.single("priority"), std::nullopt);
  EXPECT_THAT(form.multiple("department"), ElementsAre("5"));
}

TEST(UrlForm, ParenthesesMayBeEncoded) {
  const UrlForm form = parsed("/restapi/startchat/%28department%29/5/6/%28vid%29/abc");
  EXPECT_THAT(form.multiple("department"), ElementsAre("5", "6"));
  EXPECT_EQ(form.single("department"), "5");
  EXPECT_EQ(form.single("vid"), "abc");
}

TEST(UrlForm, OfARepeatedNameTheLastCounts) {
  const UrlForm form =
      parsed("/restapi/startchat/(department)/1/2/(vid)/old/(playsound)/true/(vid)/new/(department)/3");
  EXPECT_EQ(form.single("vid"), "new");
  EXPECT_THAT(form.multiple("department"), ElementsAre("3"));
  EXPECT_EQ(form.unordered.size(), 5U);
}

TEST(UrlForm, OddParenthesesAreText) {
  EXPECT_EQ(parsed("/restapi/x/(/(a)/b").ordered_at(0), "(") << "one alone opens nothing";
  EXPECT_EQ(parsed("/restapi/x/((a)/b").single("a"), "b");
  EXPECT_EQ(parsed("/restapi/x/(a/b").single("a"), "b");
  EXPECT_EQ(parsed("/restapi/x/(a)/b)").single("a"), "b");
  EXPECT_EQ(parsed("/restapi/(a)/b").view, "");
  EXPECT_EQ(parsed("/restapi/(a)/b").single("a"), "b");
}

TEST(UrlForm, HasLimitsAndRepairsText) {
  std::string many = "/restapi/x";
  for (int i = 0; i < 120; ++i) many += "/1";
  EXPECT_FALSE(parse_url_form(many));
  EXPECT_FALSE(parse_url_form("/restapi/" + std::string(3000, 'a')));
  EXPECT_EQ(parsed("/restapi/x/%ff").ordered_at(0), "\xef\xbf\xbd");
  EXPECT_EQ(parsed("/restapi/x/(vid)/a%0ab").single("vid"),
            "a\xef\xbf\xbd"
            "b")
      << "a value is the client's own";
}

// Whatever the bytes are: an answer, and nothing in it that a path cannot carry.
TEST(UrlForm, EatsAnything) {
  std::uint32_t state = 20261120;
  const auto next = [&state] { return state = state * 1664525 + 1013904223; };
  const std::string_view pieces[] = {"/",       "//",         "(",  ")", "(vid)", "%28",   "%29",
                                     "%2F",     "%2",         "%",  "+", "%00",   "\xc3",  "index.php",
                                     "restapi", "site_admin", "xx", "a", "5/6",   "%c3%a9"};
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string path = round % 2 == 0 ? "/restapi/view" : "/";
    for (std::uint32_t left = next() >> 28; left > 0; --left) path += pieces[(next() >> 16) % std::size(pieces)];
    const auto form = parse_url_form(path);
    if (!form) continue;
    ++taken;
    EXPECT_EQ(form->view.find('/'), std::string::npos) << path;
    for (const auto& [name, values] : form->unordered)
      for (const std::string& value : values) EXPECT_FALSE(value.starts_with('(')) << path;
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace chatrelay::systems::livehelperchat::endpoints
