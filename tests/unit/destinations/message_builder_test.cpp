#include "destinations/email/message_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "destinations/email/header_text.hpp"
#include "unit/destinations/mime_check.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::email;
using chatrelay::destinations::testing::decode_words;
using chatrelay::destinations::testing::MimePart;
using chatrelay::destinations::testing::parse_mail;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::string_literals;

namespace {

Message plain_message() {
  Message message;
  message.from = {"Chat", "chat@example.com"};
  message.to = {{"", "support@example.com"}};
  message.subject = "Chat with Thomas";
  message.text = "Hello,\nI need help.";
  message.delivery_id = "01JCZ000000000000000000001";
  message.source = "livechat";
  message.chat_id = "PJ0MRSHTDG";
  message.date = *parse_rfc3339("2026-11-20T10:00:00.123Z");
  return message;
}

// Bytes a visitor could type, meant for other readers than people.
const std::vector<std::string> hostile{
    "x\r\nBcc: victim@example.com",
    "x\nBcc: victim@example.com\n\nbody",
    "x\rBcc: v@example.com",
    "x\r\n.\r\nMAIL FROM:<evil@x.test>\r\nRCPT TO:<v@example.com>\r\nDATA\r\n",
    "a\n.\nMAIL FROM:<evil@x.test>\n",
    "\r.\r",
    "x\0y"s,
    "=?UTF-8?B?QmNjOiB4?=",
    "\"; filename=\"evil.exe",
    "--=_01jcz000000000000000000001_m\r\nContent-Type: text/html\r\n\r\n<b>",
    "\xff\xfe broken \xc3",
    "\xe2\x80\xa8line separator\xe2\x80\xa9 and \xc2\x85 next line",
    std::string(3000, 'x'),
    "ü" + std::string(1000, '\xc3'),
    "😀 "s + "very long name with emoji 😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
    "",
    "   ",
    "\t\t",
};

}  // namespace

TEST(MessageBuilder, APlainMailByteForByte) {
  EXPECT_EQ(build_message(plain_message()),
            "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n"
            "From: \"Chat\" <chat@example.com>\r\n"
            "To: support@example.com\r\n"
            "Subject: Chat with Thomas\r\n"
            "Message-ID: <01jcz000000000000000000001@example.com>\r\n"
            "In-Reply-To: " +
                thread_root("livechat", "PJ0MRSHTDG", "example.com") +
                "\r\n"
                "References: " +
                thread_root("livechat", "PJ0MRSHTDG", "example.com") +
                "\r\n"
                "Auto-Submitted: auto-generated\r\n"
                "X-Auto-Response-Suppress: All\r\n"
                "MIME-Version: 1.0\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: base64\r\n"
                "\r\n"
                "SGVsbG8sDQpJIG5lZWQgaGVscC4=\r\n");
}

TEST(MessageBuilder, TheSameInputGivesTheSameBytes) {
  EXPECT_EQ(build_message(plain_message()), build_message(plain_message()));
}

TEST(MessageBuilder, OneThreadForOneChatOfOneSource) {
  const std::string root = thread_root("livechat", "PJ0MRSHTDG", "example.com");
  EXPECT_THAT(root, ::testing::MatchesRegex("<chat-[0-9a-f]+@example.com>"));
  EXPECT_EQ(root, thread_root("livechat", "PJ0MRSHTDG", "example.com"));
  EXPECT_NE(root, thread_root("other", "PJ0MRSHTDG", "example.com"));
  EXPECT_NE(thread_root("a", "bc", "d"), thread_root("ab", "c", "d"));
  EXPECT_THAT(thread_root("livechat", "x>\r\nBcc: y", "example.com"), Not(HasSubstr("\r")));
  Message message = plain_message();
  message.chat_id.clear();
  const MimePart mail = parse_mail(build_message(message));
  EXPECT_EQ(mail.header("References"), "(none)");
  EXPECT_EQ(mail.header("In-Reply-To"), "(none)");
}

TEST(MessageBuilder, TextAndHtmlAreAlternativesInThatOrder) {
  Message message = plain_message();
  message.html = "<p>Hallo</p>";
  const MimePart mail = parse_mail(build_message(message));
  EXPECT_THAT(mail.header("Content-Type"), HasSubstr("multipart/alternative"));
  ASSERT_EQ(mail.parts.size(), 2u);
  EXPECT_EQ(mail.parts[0].header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(mail.parts[0].body, "Hello,\r\nI need help.");
  EXPECT_EQ(mail.parts[1].header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(mail.parts[1].body, "<p>Hallo</p>");
}

TEST(MessageBuilder, AttachmentsAreMixedWithTheAlternatives) {
  Message message = plain_message();
  message.html = "<p>Hallo</p>";
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i);
  message.attachments = {{"transcript.txt", "text/plain", "a\nb"}, {"Prüfung \"1\".bin", "nonsense", bytes}};
  const MimePart mail = parse_mail(build_message(message));
  EXPECT_THAT(mail.header("Content-Type"), HasSubstr("multipart/mixed"));
  ASSERT_EQ(mail.parts.size(), 3u);
  EXPECT_EQ(mail.parts[0].parts.size(), 2u);
  EXPECT_EQ(mail.parts[1].body, "a\nb");
  EXPECT_EQ(mail.parts[1].header("Content-Disposition"), "attachment; filename=\"transcript.txt\"");
  EXPECT_EQ(mail.parts[2].body, bytes);
  EXPECT_EQ(mail.parts[2].header("Content-Type"), "application/octet-stream");
  EXPECT_EQ(mail.parts[2].header("Content-Disposition"),
            "attachment; filename=\"Pr_fung _1_.bin\"; filename*=UTF-8''Pr%C3%BCfung%20%221%22.bin");
}

TEST(MessageBuilder, CompositeContentTypesOfAttachmentsAreRefused) {
  for (const char* type :
       {"message/rfc822", "multipart/mixed", "text/plain; charset=x", "text", "text/", "a/b\r\nX: y", ""}) {
    Message message = plain_message();
    message.attachments = {{"a", type, "x"}};
    const MimePart mail = parse_mail(build_message(message));
    EXPECT_EQ(mail.parts.at(1).header("Content-Type"), "application/octet-stream") << type;
  }
}

TEST(MessageBuilder, FilenamesCannotLeaveTheirFolder) {
  for (const char* name : {"../../etc/passwd", "C:\\Windows\\passwd", "/passwd", "passwd"}) {
    EXPECT_EQ(encode_filename("filename", name), ";\r\n filename=\"passwd\"") << name;
  }
  for (const char* name : {"", ".", "..", "a/..", "///"})
    EXPECT_EQ(encode_filename("filename", name), ";\r\n filename=\"file\"") << name;
  EXPECT_THAT(encode_filename("filename", std::string(300, 'a') + ".pdf"), HasSubstr("a.pdf\""));
}

TEST(MessageBuilder, NonAsciiSubjectsAndNamesDecodeBack) {
  Message message = plain_message();
  message.subject =
      "Grüße aus Zürich: ein langer Betreff mit vielen Wörtern, der über eine Zeile hinausgeht 😀😀😀 und weiter";
  message.from.name = "Zoë Müller-Lüdenscheidt, Abteilung für besonders lange Namen und Grüße";
  message.cc = {{"Doe, \"J\"", "j@example.com"}, {"", "k@example.com"}};
  const MimePart mail = parse_mail(build_message(message));
  EXPECT_EQ(decode_words(mail.header("Subject")), message.subject);
  EXPECT_EQ(decode_words(mail.header("From")), message.from.name + " <chat@example.com>");
  EXPECT_EQ(mail.header("Cc"), "\"Doe, \\\"J\\\"\" <j@example.com>, k@example.com");
}

TEST(MessageBuilder, HeaderLinesStayShort) {
  for (std::size_t length = 0; length < 220; ++length) {
    for (const char* unit : {"a", "ü", "😀"}) {
      std::string text;
      for (std::size_t i = 0; i < length; ++i) text += unit;
      Message message = plain_message();
      message.subject = text;
      message.to = {{text, "somebody.with.a.long.name@a-long-domain-name.example"}, {text, "b@example.com"}};
      const std::string built = build_message(message);
      const MimePart mail = parse_mail(built);
      const std::string head = built.substr(0, built.find("\r\n\r\n"));
      std::size_t begin = 0;
      for (std::size_t end = head.find("\r\n"); end != std::string::npos;
           begin = end + 2, end = head.find("\r\n", begin)) {
        ASSERT_LE(end - begin, 78u) << head.substr(begin, end - begin);
      }
      // One line's limits apply: 500 bytes of a subject, at a code point.
      EXPECT_EQ(decode_words(mail.header("Subject")), std::string(truncate_utf8(text, 500)));
    }
  }
}

TEST(MessageBuilder, HostileTextNowhereBecomesStructure) {
  for (const std::string& text : hostile) {
    Message message = plain_message();
    message.subject = text;
    message.from.name = text;
    message.to = {{text, "support@example.com"}};
    message.cc = {{text, "cc@example.com"}};
    message.reply_to = Mailbox{text, "visitor@example.net"};
    message.text = text;
    message.html = text;
    message.attachments = {{text, text, text}};
    message.delivery_id = text;
    message.source = text;
    message.chat_id = text;
    const std::string built = build_message(message);
    const MimePart mail = parse_mail(built);
    EXPECT_EQ(mail.count("Bcc"), 0u);
    for (const char* name :
         {"From", "To", "Cc", "Reply-To", "Subject", "Message-ID", "Date", "Content-Type", "MIME-Version"})
      EXPECT_EQ(mail.count(name), 1u) << name;
    ASSERT_EQ(mail.parts.size(), 2u);
    ASSERT_EQ(mail.parts[0].parts.size(), 2u);
    EXPECT_EQ(mail.parts[1].body, text);
    EXPECT_THAT(built, Not(HasSubstr("\r\n.")));
    EXPECT_THAT(mail.header("To"), HasSubstr("support@example.com"));
    EXPECT_NO_THROW(decode_words(mail.header("Subject")));
  }
}

TEST(MessageBuilder, TextKeepsItsLinesAndWholeUtf8) {
  Message message = plain_message();
  message.text = "a\r\nb\nc\rd\n\n\xff.";
  EXPECT_EQ(parse_mail(build_message(message)).body, "a\r\nb\r\nc\r\nd\r\n\r\n\xef\xbf\xbd.");
}

TEST(MessageBuilder, AnEncodedWordInPlainTextIsShownAsItIs) {
  Message message = plain_message();
  message.subject = "=?UTF-8?B?QmNjOiB4?=";
  EXPECT_EQ(decode_words(parse_mail(build_message(message)).header("Subject")), message.subject);
}

TEST(HeaderText, OneLineHasNoControlCharacters) {
  EXPECT_EQ(one_line(" a \r\n\t b\0c \x7f"s, 100), "a b c");
  EXPECT_EQ(one_line("a\xe2\x80\xa8z\xc2\x85y", 100), "a z y");
  EXPECT_EQ(one_line("üüü", 3), "ü");
}
