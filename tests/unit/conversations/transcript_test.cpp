#include <gtest/gtest.h>

#include "common/json.hpp"
#include "conversations/fold.hpp"

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

TEST(Transcript, LeavesOutWhatIsForAgentsAndWhatWasDeleted) {
  auto note = said("Bob", "internal", "agent");
  note.message.as_object()["audience"] = "agents";
  auto strange = said("Bob", "strange", "agent");
  strange.message.as_object()["audience"] = nullptr;
  auto gone = said("Ann", "gone");
  gone.deleted = true;
  auto empty = said("Ann", "x");
  empty.message = nullptr;
  const std::vector<store::StoredMessage> all{said("Ann", "hello"), note, strange, gone, empty};
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

}  // namespace
}  // namespace chatrelay::conversations
