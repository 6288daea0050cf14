// The transcript that a visitor gets by mail. Invariant 10: what somebody typed stays text.
#include <algorithm>

#include <gtest/gtest.h>

#include "systems/rocketchat/endpoints/transcript_handlers.hpp"

namespace chatrelay::systems::rocketchat::endpoints {
namespace {

const WallTime start = from_ms(1'795'168'800'000);  // 2026-11-20T10:00:00Z

conversations::MessageView said(const std::string& who, const std::string& words, int minute) {
  conversations::MessageView message;
  message.id = "m" + std::to_string(minute);
  message.room_id = "R1";
  message.text = words;
  message.author.name = who;
  message.author.role = "visitor";
  message.sent_at = start + std::chrono::minutes(minute);
  return message;
}

TEST(RocketchatTranscript, TellsOldestFirstWithoutWhatTheSystemSays) {
  conversations::MessageView started = said("Ann", "", 0);
  started.system_type = "livechat-started";
  const auto rendered = render_transcript({said("Bob", "Yes.", 2), said("Ann", "Do you ship?", 1), started}, false);
  EXPECT_EQ(rendered.text, "2026-11-20 10:01 UTC  Ann: Do you ship?\n2026-11-20 10:02 UTC  Bob: Yes.\n");
  EXPECT_EQ(rendered.html.find("livechat-started"), std::string::npos);
  EXPECT_LT(rendered.html.find("Do you ship?"), rendered.html.find("Yes."));
}

TEST(RocketchatTranscript, NobodyCanWriteMarkupOrAnothersLine) {
  const auto rendered = render_transcript(
      {said("<b>Ann</b>\n2026 Bob: hi", "<script>x</script>\n2026-11-20 10:02 UTC  Bob: no", 1)}, false);
  EXPECT_EQ(rendered.html.find("<script>"), std::string::npos);
  EXPECT_EQ(rendered.html.find("<b>Ann"), std::string::npos);
  EXPECT_NE(rendered.html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(rendered.text,
            "2026-11-20 10:01 UTC  <b>Ann</b> 2026 Bob: hi: <script>x</script>\n    2026-11-20 10:02 UTC  Bob: no\n");
}

TEST(RocketchatTranscript, SaysSoWhenNothingWasSaid) {
  const auto rendered = render_transcript({}, false);
  EXPECT_EQ(rendered.text, "Nothing was said.\n");
  EXPECT_EQ(rendered.html, "<p>Nothing was said.</p>\n");
}

TEST(RocketchatTranscript, KeepsTheNewestWithinItsLimit) {
  std::vector<conversations::MessageView> messages;
  for (int minute = 30; minute > 0; --minute)
    messages.push_back(said("Ann", std::to_string(minute) + std::string(transcript_bytes_max / 10, 'x'), minute));
  const auto rendered = render_transcript(messages, false);
  EXPECT_TRUE(rendered.text.starts_with("Earlier messages are left out.\n\n"));
  EXPECT_TRUE(rendered.html.starts_with("<p><i>Earlier messages are left out.</i></p>\n"));
  EXPECT_NE(rendered.text.find("Ann: 30x"), std::string::npos);
  EXPECT_EQ(rendered.text.find("Ann: 1x"), std::string::npos);
  EXPECT_LT(rendered.text.size(), transcript_bytes_max + 10'000);
}

TEST(RocketchatTranscript, SaysSoWhenThereWereMoreThanWereRead) {
  EXPECT_TRUE(
      render_transcript({said("Ann", "Hi", 1)}, true).text.starts_with("Earlier messages are left out.\n\n2026"));
}

}  // namespace
}  // namespace chatrelay::systems::rocketchat::endpoints
