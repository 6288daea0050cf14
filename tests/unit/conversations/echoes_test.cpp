#include "conversations/echoes.hpp"

#include <gtest/gtest.h>

namespace chatrelay::conversations {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const WallTime start = from_ms(1'795'169'000'000);
const Way there{"lc", "C1", "helpdesk"}, back{"helpdesk", "R1", "livechat"};

// How many passes of a loop get through: to and fro, `step` apart.
int passes(Echoes& echoes, const Way& a, const Way& b, Millis step, const std::string& text = "hello",
           const std::string& in_front = "") {
  std::string said = text;
  for (int i = 0; i < 1000; ++i) {
    if (echoes.is_loop(i % 2 == 0 ? a : b, said, start + i * step)) return i;
    said = in_front + said;
  }
  return 1000;
}

TEST(Echoes, ALoopIsCutAfterItsTurns) {
  Echoes echoes;
  EXPECT_EQ(passes(echoes, there, back, seconds(1)), 10);
  Echoes shorter(EchoLimits{.turns_max = 3});
  EXPECT_EQ(passes(shorter, there, back, seconds(1)), 3);
}

TEST(Echoes, WhatBridgesPutInFrontHidesNothing) {
  for (const char* in_front : {"Ann: ", "*Ann:* ", "> ", "Ann Smith wrote:\n", "  "}) {
    Echoes echoes;
    EXPECT_EQ(passes(echoes, there, back, seconds(1), "Hello  there", in_front), 10) << in_front;
  }
}

TEST(Echoes, ASlowLoopBetweenSourcesIsCutAndASlowerOneIsNone) {
  Echoes slow, slower;
  EXPECT_EQ(passes(slow, there, back, minutes(5)), 10);
  EXPECT_EQ(passes(slower, there, back, minutes(5) + seconds(1)), 1000);
}

TEST(Echoes, WithinOneSourceOnlyAFastOneIsALoop) {
  const Way a{"lc", "C1", "lc_api"}, b{"lc", "C2", "lc_api"};
  Echoes fast, slow;
  EXPECT_EQ(passes(fast, a, b, seconds(2)), 100) << "visitors who press the same buttons of a bot take turns too";
  EXPECT_EQ(passes(slow, a, b, seconds(31)), 1000) << "two monitors that say ping";
}

TEST(Echoes, WhatWasCutStaysCutUntilItIsQuiet) {
  Echoes echoes;
  ASSERT_EQ(passes(echoes, there, back, seconds(1)), 10);
  const WallTime last = start + seconds(9);
  EXPECT_TRUE(echoes.is_loop(there, "hello", last + minutes(1)));
  EXPECT_TRUE(echoes.is_loop(there, "hello", last + minutes(5)));
  EXPECT_FALSE(echoes.is_loop(there, "goodbye", last + minutes(1))) << "another text is none of it";
  EXPECT_FALSE(echoes.is_loop(there, "hello", last + minutes(5) + seconds(1)));
}

TEST(Echoes, OneSideAloneMayRepeatItself) {
  Echoes echoes;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(echoes.is_loop(there, "hello?", start + seconds(i)));
}

TEST(Echoes, SeveralDestinationsOfOneChatAreNoLoop) {
  Echoes echoes;
  const Way crm{"lc", "C1", "crm"};
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(echoes.is_loop(there, "ok", start + seconds(i)));
    EXPECT_FALSE(echoes.is_loop(crm, "ok", start + seconds(i)));
  }
}

TEST(Echoes, ManyChatsThatBeginAlikeAreNoLoop) {
  Echoes echoes;
  for (int i = 0; i < 1000; ++i)
    EXPECT_FALSE(echoes.is_loop(Way{"lc", "C" + std::to_string(i), "helpdesk"}, "Hello", start + Millis(i * 10)));
}

TEST(Echoes, AMessageWithoutWordsOrChatIsNoLoop) {
  Echoes echoes;
  EXPECT_EQ(passes(echoes, there, back, seconds(1), ""), 1000);
  EXPECT_EQ(passes(echoes, there, back, seconds(1), " > "), 1000);
  EXPECT_EQ(passes(echoes, Way{"a", "", "x"}, Way{"b", "", "y"}, seconds(1)), 1000);
}

TEST(Echoes, WhatIsRememberedIsBounded) {
  Echoes echoes(EchoLimits{.turns_max = 3, .texts_max = 2, .ways_max = 4});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(echoes.is_loop(there, "text " + std::to_string(i), start));
    EXPECT_FALSE(echoes.is_loop(Way{"s", "C" + std::to_string(i), "d"}, "hello", start));
  }
  EXPECT_EQ(passes(echoes, there, back, seconds(1)), 3) << "and it still works";
}

TEST(Echoes, WhatIsHeardOfAText) {
  EXPECT_EQ(heard_text("  Hello\r\n  World "), "hello world");
  EXPECT_EQ(heard_text("Ann: Bob: > hello"), "hello");
  EXPECT_EQ(heard_text("*Ann:* _hello_"), "hello");
  EXPECT_EQ(heard_text("https://example.com"), "https://example.com");
  EXPECT_EQ(heard_text("at 10:30"), "at 10:30");
  EXPECT_EQ(heard_text("Note:"), "note:") << "nothing but a label stays";
  EXPECT_EQ(heard_text(""), "");
  EXPECT_EQ(heard_text(std::string(100'000, 'x')).size(), 64u);
  EXPECT_NE(heard_text(std::string(1000, 'x') + "a"), heard_text(std::string(1000, 'x') + "b"));
}

}  // namespace
}  // namespace chatrelay::conversations
