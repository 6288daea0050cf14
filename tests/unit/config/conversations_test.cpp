// The sections transcripts and conversations.
#include <gtest/gtest.h>

#include "unit/config/support.hpp"

namespace chatrelay::config {
namespace {

Config read(const std::string& text, std::string& problems) {
  Problems found;
  Config config = parse_config(text, "test.yaml", found, test_environment());
  problems = found.to_string();
  return config;
}

TEST(TranscriptsSection, NamesTheZoneOfItsTimes) {
  std::string problems;
  EXPECT_EQ(read("{}", problems).transcripts.time_zone.name(), "UTC");
  EXPECT_EQ(read("transcripts: {time_zone: Europe/Vienna}", problems).transcripts.time_zone.name(), "Europe/Vienna");
  EXPECT_EQ(problems, "");
}

TEST(TranscriptsSection, SaysWhatIsWrong) {
  std::string problems;
  read("transcripts: {time_zone: Europe/Viena}", problems);
  EXPECT_NE(problems.find("test.yaml:1: transcripts.time_zone"), std::string::npos) << problems;
  EXPECT_NE(problems.find("\"Europe/Vienna\"?"), std::string::npos) << problems;
  read("transcripts: {timezone: Europe/Vienna}", problems);
  EXPECT_NE(problems.find("time_zone"), std::string::npos) << problems;
}

TEST(ConversationsSection, SaysWhenSilenceEndsAChat) {
  std::string problems;
  EXPECT_FALSE(read("{}", problems).conversations.silence) << "nobody asked for it";
  EXPECT_EQ(read("conversations: {silence: 12h}", problems).conversations.silence, Millis(std::chrono::hours(12)));
  EXPECT_EQ(problems, "");
  for (const char* wrong : {"0s", "59s", "soon"}) {
    EXPECT_FALSE(read("conversations: {silence: " + std::string(wrong) + "}", problems).conversations.silence &&
                 problems.empty())
        << wrong;
    EXPECT_NE(problems.find("conversations.silence"), std::string::npos) << problems;
  }
}

}  // namespace
}  // namespace chatrelay::config
