#include "conversations/transcript.hpp"

#include <gtest/gtest.h>

#include "common/json.hpp"

namespace chatrelay::conversations {
namespace {

store::StoredMessage said(const std::string& name, const std::string& text, const std::string& role = "visitor") {
  Message message;
  message.author.name = name;
  message.author.role = role;
  message.text = text;
  message.sent_at = parse_rfc3339("2026-11-20T10:00:30Z");
  store::StoredMessage stored;
  stored.message = to_json(message);
  return stored;
}

TEST(Transcript, LeavesOutWhatIsForAgents) {
  auto note = said("Bob", "internal", "agent");
  note.message.as_object()["audience"] = "agents";
  auto strange = said("Bob", "strange", "agent");
  strange.message.as_object()["audience"] = nullptr;
  auto empty = said("Ann", "x");
  empty.message = nullptr;
  const std::vector<store::StoredMessage> all{said("Ann", "hello"), note, strange, empty};
  EXPECT_EQ(transcript(all).as_array().size(), 1u);
  EXPECT_EQ(transcript_text(all), "2026-11-20 10:00 UTC  Ann: hello\n");
  EXPECT_EQ(transcript_html(all), "<p><b>Ann</b> <small>2026-11-20 10:00 UTC</small><br>hello</p>\n");
}

TEST(Transcript, NobodyCanSpeakForAnotherByALineBreak) {
  const std::string text =
      transcript_text({said("Ann", "hi\n2026-11-20 10:01 UTC  Bob: I grant you everything\r\nend")});
  EXPECT_EQ(text, "2026-11-20 10:00 UTC  Ann: hi\n    2026-11-20 10:01 UTC  Bob: I grant you everything \n    end\n");
  EXPECT_EQ(transcript_text({said("Ann\n\nBob: yes", "hi")}), "2026-11-20 10:00 UTC  Ann  Bob: yes: hi\n");
}

TEST(Transcript, MarkupIsText) {
  EXPECT_EQ(transcript_html({said("<b>Ann</b>", "<script>alert('x')</script>\n& more")}),
            "<p><b>&lt;b&gt;Ann&lt;/b&gt;</b> <small>2026-11-20 10:00 UTC</small><br>"
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;<br>&amp; more</p>\n");
}

TEST(Transcript, FilesAreLinkedByWebAddressesOnly) {
  Message message;
  message.author.role = "visitor";
  message.kind = "file";
  message.files = {File{"a<b>.png", "https://example.com/a?x=1&y=\"2\"", "image/png", 1},
                   File{"evil", "javascript:alert(1)", {}, {}}};
  store::StoredMessage stored;
  stored.message = to_json(message);
  EXPECT_EQ(transcript_text({stored}),
            "Visitor: [file] a<b>.png https://example.com/a?x=1&y=\"2\"\n    [file] evil javascript:alert(1)\n");
  EXPECT_EQ(transcript_html({stored}),
            "<p><b>Visitor</b><br>[file] <a href=\"https://example.com/a?x=1&amp;y=&quot;2&quot;\" rel=\"noopener "
            "noreferrer\">a&lt;b&gt;.png</a>"
            "<br>[file] evil</p>\n");
}

TEST(Transcript, FormsAreTheirLabelsAndValues) {
  Message message;
  message.author.name = "Ann";
  message.kind = "form";
  message.form = {FormField{"E-mail", "a@example.com"}, FormField{"Topics", json::array{"a", "b"}},
                  FormField{"Empty", nullptr}};
  store::StoredMessage stored;
  stored.message = to_json(message);
  EXPECT_EQ(transcript_text({stored}), "Ann: E-mail: a@example.com\n    Topics: a, b\n    Empty: —\n");
}

TEST(Transcript, WhoHasNoNameIsCalledByTheirRole) {
  EXPECT_EQ(transcript_text({said("", "a"), said("", "b", "agent"), said("", "c", "bot"), said("", "d", "system")}),
            "2026-11-20 10:00 UTC  Visitor: a\n2026-11-20 10:00 UTC  Agent: b\n2026-11-20 10:00 UTC  Bot: "
            "c\n2026-11-20 10:00 UTC  System: d\n");
}

TEST(Transcript, AgentsOwnWordsAreThereWhenTheyAreAskedForAndMarked) {
  auto note = said("Bob", "internal", "agent");
  note.message.as_object()["audience"] = "agents";
  TranscriptOptions options;
  options.agents_too = true;
  EXPECT_EQ(transcript({note}, options).as_array().size(), 1u);
  EXPECT_EQ(transcript_text({note}, options), "2026-11-20 10:00 UTC  Bob (to agents only): internal\n");
  EXPECT_EQ(transcript_html({note}, options),
            "<p><b>Bob</b><i> (to agents only)</i> <small>2026-11-20 10:00 UTC</small><br>internal</p>\n");
}

TEST(Transcript, WhatWasDeletedOrEditedIsShownAsSuch) {
  auto gone = said("Ann", "my password");
  gone.deleted = true;
  gone.changed_by = 9;
  gone.message.as_object()["files"] = json::array{json::object{{"name", "secret.txt"}}};
  auto edited = said("Ann", "as it is now");
  edited.changed_by = 9;
  store::StoredMessage unknown;  // a system that tells no more than the id of what was deleted
  unknown.message = to_json(Message{});
  unknown.deleted = true;
  const std::vector<store::StoredMessage> all{gone, edited, unknown};
  EXPECT_EQ(transcript_text(all),
            "2026-11-20 10:00 UTC  Ann (deleted)\n2026-11-20 10:00 UTC  Ann (edited): as it is now\n(a message was "
            "deleted)\n");
  EXPECT_EQ(transcript_html(all),
            "<p><b>Ann</b> <small>2026-11-20 10:00 UTC</small><br><i>deleted</i></p>\n"
            "<p><b>Ann</b><i> (edited)</i> <small>2026-11-20 10:00 UTC</small><br>as it is now</p>\n"
            "<p><i>a message was deleted</i></p>\n");
  const json::value said_json = transcript(all);
  EXPECT_EQ(said_json.at(0).at("deleted"), true);
  EXPECT_TRUE(said_json.at(0).at("text").is_null());
  EXPECT_TRUE(said_json.at(0).at("files").as_array().empty());
  EXPECT_EQ(said_json.at(1).at("deleted"), false);
  EXPECT_EQ(said_json.at(1).at("text"), "as it is now");
  EXPECT_EQ(json::serialize(said_json).find("password"), std::string::npos);
}

TEST(Transcript, TimesAreThoseOfTheZone) {
  TranscriptOptions options;
  options.zone = Zone(*find_zone("Europe/Vienna"));
  auto edited = said("Ann", "hello");
  edited.message.as_object()["edited_at"] = "2026-07-01T10:00:00.000Z";
  EXPECT_EQ(transcript_text({edited}, options), "2026-11-20 11:00 CET  Ann (edited): hello\n");
  EXPECT_EQ(transcript_html({edited}, options),
            "<p><b>Ann</b><i> (edited)</i> <small>2026-11-20 11:00 CET</small><br>hello</p>\n");
  const json::value message = transcript({edited}, options).at(0);
  EXPECT_EQ(message.at("sent_at"), "2026-11-20T10:00:30.000Z") << "as rules have it everywhere";
  EXPECT_EQ(message.at("sent_at_local"), "2026-11-20T11:00:30.000+01:00");
  EXPECT_EQ(message.at("edited_at_local"), "2026-07-01T12:00:00.000+02:00");
}

TEST(Transcript, TheRatingIsTheLastLine) {
  TranscriptOptions options;
  options.rating = Rating{4, 5, "quick\nand kind"};
  EXPECT_EQ(transcript_text({said("Ann", "hello")}, options),
            "2026-11-20 10:00 UTC  Ann: hello\n\nRating: 4 of 5\n    quick\n    and kind\n");
  EXPECT_EQ(transcript_html({}, options), "<p><b>Rating</b><br>4 of 5<br>quick<br>and kind</p>\n");
  options.rating = Rating{1, 1, std::nullopt};
  EXPECT_EQ(transcript_text({}, options), "Rating: good\n");
  options.rating = Rating{0, 1, "<b>"};
  EXPECT_EQ(transcript_html({}, options), "<p><b>Rating</b><br>bad<br>&lt;b&gt;</p>\n");
  options.rating = Rating{std::nullopt, 1, "why not"};
  EXPECT_EQ(transcript_text({}, options), "Rating: —\n    why not\n");
  options.rating = Rating{std::nullopt, 1, std::nullopt};
  EXPECT_EQ(transcript_text({}, options), "") << "it was taken back";
  options.rating = Rating{4.5, std::nullopt, std::nullopt};
  EXPECT_EQ(transcript_text({}, options), "Rating: 4.5\n");
}

TEST(Transcript, TheNewestAreKeptWhereAllAreTooLong) {
  std::vector<store::StoredMessage> all;
  for (int i = 0; i < 100; ++i) all.push_back(said("Ann", "message " + std::to_string(i)));
  TranscriptOptions options;
  options.bytes_max = 100;
  const std::string text = transcript_text(all, options);
  EXPECT_EQ(text,
            "(98 earlier messages are left out)\n2026-11-20 10:00 UTC  Ann: message 98\n2026-11-20 10:00 UTC  Ann: "
            "message 99\n");
  EXPECT_TRUE(transcript_html(all, options).starts_with("<p><i>(99 earlier messages are left out)</i></p>\n"));
  const json::value kept = transcript(all, options);
  ASSERT_EQ(kept.as_array().size(), 1u) << "one is always there";
  EXPECT_EQ(kept.at(0).at("text"), "message 99");
}

TEST(Transcript, AMessageThatIsTooLongIsCutAtACharacter) {
  TranscriptOptions options;
  options.text_bytes_max = 5;
  std::string umlauts;
  for (int i = 0; i < 10; ++i) umlauts += "ä";
  EXPECT_EQ(transcript_text({said("Ann", umlauts)}, options), "2026-11-20 10:00 UTC  Ann: ää…\n");
  EXPECT_EQ(transcript({said("Ann", umlauts)}, options).at(0).at("text"), "ää…");
  EXPECT_EQ(transcript_text({said("Ann", "hello")}, options), "2026-11-20 10:00 UTC  Ann: hello\n");
  TranscriptOptions defaults;
  EXPECT_LT(transcript_text({said("Ann", std::string(5 << 20, 'x'))}, defaults).size(), 70'000u);
}

TEST(Transcript, UnicodesLineBreaksAreLineBreaks) {
  EXPECT_EQ(transcript_text({said("A\u2028nn",
                                  "a\u2028b\u2029c\u0085"
                                  "d")}),
            "2026-11-20 10:00 UTC  A nn: a\n    b\n    c\n    d\n");
}

}  // namespace
}  // namespace chatrelay::conversations
