#include "destinations/email/mail_content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "unit/destinations/mime_check.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations::email;
using chatrelay::destinations::testing::decode_words;
using chatrelay::destinations::testing::parse_mail;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

EmailOptions options() {
  EmailOptions o;
  o.from = {"Chat", "chat@example.com"};
  o.to = {{"", "support@example.com"}};
  return o;
}

Attempt attempt(std::string_view with) {
  Attempt a;
  a.id = "01JCZ000000000000000000001";
  a.source = "livechat";
  a.chat_id = "PJ0MRSHTDG";
  a.event_type = "incoming_chat";
  a.planned_at = *parse_rfc3339("2026-11-20T10:00:00Z");
  a.with = *parse_json(with);
  return a;
}

std::string refusal(std::string_view with) {
  const auto mail = build_mail(options(), attempt(with));
  return mail ? "(built)" : mail.error().message;
}

}  // namespace

TEST(MailContent, ConfiguredRecipientsUnlessTheRuleNamesOthers) {
  EXPECT_THAT(build_mail(options(), attempt(R"({"text":"x"})"))->recipients, ElementsAre("support@example.com"));
  EXPECT_THAT(
      build_mail(options(),
                 attempt(R"({"text":"x","to":["a@example.com","B <b@example.com>",null],"cc":"A@example.com"})"))
          ->recipients,
      ElementsAre("a@example.com", "b@example.com"));
  EXPECT_THAT(build_mail(options(), attempt(R"({"text":"x","to":[]})"))->recipients,
              ElementsAre("support@example.com"));
}

TEST(MailContent, AnAttachmentWhoseContentIsNullIsLeftOut) {
  const auto mail = build_mail(options(), attempt(R"({"text":"x","attachments":[{"name":"a.txt","text":null}]})"));
  ASSERT_TRUE(mail) << mail.error().message;
  EXPECT_EQ(mail->message.find("a.txt"), std::string::npos);
  const auto one = build_mail(
      options(), attempt(R"({"text":"x","attachments":[{"name":"a.txt","base64":null},{"name":"b.txt","text":"b"}]})"));
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_NE(one->message.find("b.txt"), std::string::npos);
  EXPECT_THAT(refusal(R"({"text":"x","attachments":[{"name":"a.txt","content":"b"}]})"),
              HasSubstr("needs text or base64"));
}

TEST(MailContent, TheVisitorsAddressStandsInReplyToOnlyIfItIsOne) {
  EmailOptions o = options();
  EXPECT_EQ(
      parse_mail(build_mail(o, attempt(R"({"text":"x","reply_to":"v@example.net"})"))->message).header("Reply-To"),
      "v@example.net");
  for (const char* with :
       {R"({"text":"x","reply_to":"not an address"})", R"({"text":"x","reply_to":"v@x\r\nBcc: y@z"})",
        R"({"text":"x","reply_to":["v@x"]})", R"({"text":"x","reply_to":null})"}) {
    EXPECT_EQ(parse_mail(build_mail(o, attempt(with))->message).header("Reply-To"), "(none)") << with;
  }
  o.reply_to = Mailbox{"", "team@example.com"};
  EXPECT_EQ(parse_mail(build_mail(o, attempt(R"({"text":"x","reply_to":"nobody"})"))->message).header("Reply-To"),
            "team@example.com");
}

TEST(MailContent, FromIsAlwaysTheConfiguredOne) {
  const auto mail = parse_mail(
      build_mail(options(), attempt(R"({"text":"x","reply_to":"v@example.net","subject":"From: v@example.net"})"))
          ->message);
  EXPECT_EQ(mail.header("From"), "\"Chat\" <chat@example.com>");
}

TEST(MailContent, ASubjectOfItsOwnIsTheSameForTheChat) {
  EXPECT_EQ(parse_mail(build_mail(options(), attempt(R"({"text":"x"})"))->message).header("Subject"),
            "Chat PJ0MRSHTDG");
  EXPECT_EQ(parse_mail(build_mail(options(), attempt(R"({"text":"x","subject":5})"))->message).header("Subject"), "5");
}

TEST(MailContent, RetriesAreTheSameBytes) {
  Attempt first = attempt(R"({"text":"x","html":"y","attachments":[{"name":"a","text":"b"}]})");
  Attempt second = first;
  second.number = 7;
  EXPECT_EQ(build_mail(options(), first)->message, build_mail(options(), second)->message);
}

TEST(MailContent, WrongFieldsAreRefusedByName) {
  EXPECT_THAT(refusal(R"({"subject":"x"})"), HasSubstr("neither text nor html"));
  EXPECT_THAT(refusal(R"({"text":{"a":1}})"), HasSubstr("text must be a text"));
  EXPECT_THAT(refusal(R"({"text":"x","subject":[1]})"), HasSubstr("subject"));
  EXPECT_THAT(refusal(R"({"text":"x","to":"a@b, c@d"})"), HasSubstr("to holds"));
  EXPECT_THAT(refusal(R"({"text":"x","to":"v@x\r\nRCPT TO:<y@z>"})"), HasSubstr("to holds"));
  EXPECT_THAT(refusal(R"({"text":"x","cc":["a@b",5]})"), HasSubstr("cc holds"));
  EXPECT_THAT(refusal(R"({"text":"x","attachments":{"a":1}})"), HasSubstr("attachments must be a list"));
  EXPECT_THAT(refusal(R"({"text":"x","attachments":[{"name":"a"}]})"),
              HasSubstr("attachments[0] needs text or base64"));
  EXPECT_THAT(refusal(R"({"text":"x","attachments":[{"text":"a","base64":"YQ=="}]})"), HasSubstr("one of them only"));
  EXPECT_THAT(refusal(R"({"text":"x","attachments":[{"text":"a"},{"base64":"?"}]})"),
              HasSubstr("attachments[1].base64"));
  EXPECT_THAT(refusal(R"([1])"), HasSubstr("map"));
  EXPECT_EQ(refusal("null"), "neither text nor html is given");
  std::string many, attachments;
  for (int i = 0; i < 51; ++i) many += (i ? "," : "") + ("\"a" + std::to_string(i)) + "@example.com\"";
  for (int i = 0; i < 21; ++i) attachments += std::string(i ? "," : "") + R"({"text":"a"})";
  EXPECT_THAT(refusal("{\"text\":\"x\",\"to\":[" + many + "]}"), HasSubstr("50 addresses"));
  EXPECT_THAT(refusal("{\"text\":\"x\",\"attachments\":[" + attachments + "]}"), HasSubstr("more than 20"));
  EmailOptions nobody = options();
  nobody.to.clear();
  EXPECT_THAT(build_mail(nobody, attempt(R"({"text":"x"})")).error().message, HasSubstr("to is empty"));
}

TEST(MailContent, RulesLearnTheKeysAndThatHtmlIsEscaped) {
  const auto schema = mail_schema(false);
  EXPECT_TRUE(schema.with.at("to").required);
  EXPECT_FALSE(mail_schema(true).with.at("to").required);
  EXPECT_EQ(schema.with.at("html").escape, expression::Escape::html);
  EXPECT_EQ(schema.with.at("text").escape, expression::Escape::none);
  EXPECT_FALSE(schema.open);
}
