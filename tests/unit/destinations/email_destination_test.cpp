#include "destinations/email/email_destination.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "destinations/kinds.hpp"
#include "store/memory/memory_store.hpp"
#include "unit/destinations/mime_check.hpp"
#include "unit/destinations/scripted_servers.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using namespace chatrelay::destinations::email;
using destinations::testing::MailSink;
using destinations::testing::parse_mail;
using destinations::testing::run;
using destinations::testing::TempFolder;
using ::testing::HasSubstr;

namespace {

class EmailDestinationTest : public ::testing::Test {
 protected:
  EmailOptions options(const MailSink& sink) const {
    EmailOptions o;
    o.name = "mailbox";
    o.smtp = Smtp{};
    o.smtp->origin = sink.origin();
    o.smtp->require_tls = false;
    o.from = {"Chat", "chat@example.com"};
    o.to = {{"", "a@example.com"}};
    o.allow_private = true;
    return o;
  }
  static Attempt attempt(std::string_view with) {
    Attempt a;
    a.id = "01JCZ000000000000000000001";
    a.source = "livechat";
    a.chat_id = "PJ0MRSHTDG";
    a.planned_at = *parse_rfc3339("2026-11-20T10:00:00Z");
    a.with = *parse_json(with);
    return a;
  }

  boost::asio::io_context io_{1};
  http::Client client_{io_.get_executor(), http::Client::Options{}};
  ManualClock clock_{*parse_rfc3339("2026-11-20T09:00:00Z")};
  RoomBell bell_;
  const std::unique_ptr<store::Store> store_ = store::make_memory_store(clock_);
  Context context_{io_.get_executor(), client_, clock_, {}, "relay.example", *store_, bell_};
};

}  // namespace

TEST_F(EmailDestinationTest, AMailArrivesWhole) {
  MailSink sink;
  EmailDestination destination(options(sink), context_);
  const Outcome outcome =
      run(io_, destination.attempt(attempt(R"({"subject":"Hi","text":"a\n.\nMAIL FROM:<evil@x.test>\n"})")));
  EXPECT_EQ(outcome.klass, OutcomeClass::ok) << outcome.reason;
  ASSERT_EQ(sink.mails().size(), 1u);
  EXPECT_EQ(sink.mails()[0].first, "a@example.com");
  const auto mail = parse_mail(sink.mails()[0].second);
  EXPECT_EQ(mail.header("Subject"), "Hi");
  EXPECT_EQ(mail.body, "a\r\n.\r\nMAIL FROM:<evil@x.test>\r\n");
  EXPECT_THAT(sink.commands(), ::testing::Contains("EHLO relay.example"));
  EXPECT_EQ(std::ranges::count_if(sink.commands(), [](const std::string& c) { return c.starts_with("MAIL"); }), 1);
}

TEST_F(EmailDestinationTest, WhoHasTheMailDoesNotGetItAgainOnARetry) {
  MailSink sink;
  sink.script("b@example.com", "450 4.2.0 greylisted", 1);
  EmailDestination destination(options(sink), context_);
  const Attempt first = attempt(R"({"text":"x","to":["a@example.com","b@example.com","c@example.com"]})");
  Outcome outcome = run(io_, destination.attempt(first));
  EXPECT_EQ(outcome.klass, OutcomeClass::retry);
  EXPECT_FALSE(outcome.destination_fault);
  EXPECT_THAT(outcome.reason, HasSubstr("accepted for 2 of 3"));
  EXPECT_THAT(outcome.reason, HasSubstr("450 4.2.0 greylisted"));
  Attempt second = first;
  second.number = 2;
  outcome = run(io_, destination.attempt(second));
  EXPECT_EQ(outcome.klass, OutcomeClass::ok) << outcome.reason;
  const auto mails = sink.mails();
  ASSERT_EQ(mails.size(), 3u);
  EXPECT_EQ(mails[2].first, "b@example.com");
  EXPECT_EQ(mails[0].second, mails[2].second);  // the same bytes at every attempt
}

TEST_F(EmailDestinationTest, SomeRecipientsRefusedIsVisible) {
  MailSink sink;
  sink.script("b@example.com", "550 5.1.1 no such user");
  EmailDestination destination(options(sink), context_);
  Outcome outcome = run(io_, destination.attempt(attempt(R"({"text":"x","to":["a@example.com","b@example.com"]})")));
  EXPECT_EQ(outcome.klass, OutcomeClass::ok);
  EXPECT_EQ(outcome.reason, "delivered to 1; refused: b@example.com 550 5.1.1 no such user");
  outcome = run(io_, destination.attempt(attempt(R"({"text":"x","to":"b@example.com"})")));
  EXPECT_EQ(outcome.klass, OutcomeClass::reject);
  EXPECT_THAT(outcome.reason, HasSubstr("b@example.com 550 5.1.1"));
}

TEST_F(EmailDestinationTest, AServerInTroubleIsNotAskedForEveryRecipient) {
  MailSink sink;
  sink.script("a@example.com", "421 4.3.2 closing");
  EmailDestination destination(options(sink), context_);
  const Outcome outcome =
      run(io_, destination.attempt(attempt(R"({"text":"x","to":["a@example.com","b@example.com"]})")));
  EXPECT_EQ(outcome.klass, OutcomeClass::retry);
  EXPECT_TRUE(outcome.destination_fault);
  EXPECT_TRUE(sink.mails().empty());
}

TEST_F(EmailDestinationTest, NoAnswerToTheFinalDotIsAmbiguous) {
  MailSink sink;
  sink.script_content("");
  EmailDestination destination(options(sink), context_);
  const Outcome outcome = run(io_, destination.attempt(attempt(R"({"text":"x"})")));
  EXPECT_EQ(outcome.klass, OutcomeClass::ambiguous) << outcome.reason;
  EXPECT_TRUE(outcome.destination_fault);
}

TEST_F(EmailDestinationTest, ContentRefusedIsThisMailsEnd) {
  MailSink sink;
  sink.script_content("550 5.7.1 spam");
  EmailDestination destination(options(sink), context_);
  EXPECT_EQ(run(io_, destination.attempt(attempt(R"({"text":"x"})"))).klass, OutcomeClass::reject);
}

TEST_F(EmailDestinationTest, WithTlsRequiredNothingIsSentInClear) {
  MailSink sink;
  EmailOptions o = options(sink);
  o.smtp->require_tls = true;
  EmailDestination destination(o, context_);
  const Outcome outcome = run(io_, destination.attempt(attempt(R"({"text":"x"})")));
  EXPECT_EQ(outcome.klass, OutcomeClass::retry);
  EXPECT_THAT(outcome.reason, HasSubstr("STARTTLS"));
  EXPECT_TRUE(sink.mails().empty());
}

TEST_F(EmailDestinationTest, AProbeSendsNoMail) {
  MailSink sink;
  EmailDestination destination(options(sink), context_);
  EXPECT_EQ(run(io_, destination.probe()).klass, OutcomeClass::ok);
  EXPECT_EQ(std::ranges::count_if(sink.commands(),
                                  [](const std::string& c) { return c.starts_with("MAIL") || c.starts_with("DATA"); }),
            0);
}

TEST_F(EmailDestinationTest, AMaildirGetsOneFileHoweverOftenItIsTried) {
  const TempFolder folder;
  EmailOptions o;
  o.maildir = folder / "box";
  o.from = {"", "chat@example.com"};
  o.to = {{"", "a@example.com"}};
  const std::string name = "1795168800.01JCZ000000000000000000001.relay.example";
  Attempt a = attempt(R"({"subject":"Hi","text":"x"})");
  {
    EmailDestination destination(o, context_);
    EXPECT_EQ(run(io_, destination.attempt(a)).klass, OutcomeClass::ok);
    EXPECT_EQ(run(io_, destination.attempt(a)).klass, OutcomeClass::duplicate);
    EXPECT_EQ(run(io_, destination.probe()).klass, OutcomeClass::ok);
  }
  EXPECT_EQ(parse_mail(destinations::testing::read_file(folder / "box/new" + ("/" + name))).header("Subject"), "Hi");
  // A mail program takes it, the relay restarts later and does not know that the first try had ended well.
  std::filesystem::rename(folder / "box/new/" + name, folder / "box/cur/" + name + ":2,S");
  clock_.advance(std::chrono::hours(5));
  EmailDestination restarted(o, context_);
  EXPECT_EQ(run(io_, restarted.attempt(a)).klass, OutcomeClass::duplicate);
}

TEST(RecipientMemory, IsBoundedAndForgetsTheOldest) {
  RecipientMemory memory(2);
  Recipients r;
  r.accepted.insert("a@example.com");
  for (const char* id : {"1", "2", "3"}) memory.keep(id, r);
  EXPECT_EQ(memory.size(), 2u);
  EXPECT_FALSE(memory.take("1").knows("a@example.com"));
  EXPECT_TRUE(memory.take("3").knows("a@example.com"));
  EXPECT_FALSE(memory.take("3").knows("a@example.com"));
  memory.keep("4", Recipients{});
  EXPECT_EQ(memory.size(), 1u);
}

namespace {

struct EmailProblems {
  config::Problems problems;
  config::Config config;
  EmailOptions options;
};

std::unique_ptr<EmailProblems> configure(const std::string& settings) {
  auto result = std::make_unique<EmailProblems>();
  result->config =
      config::parse_config("destinations:\n  mailbox: {kind: email, " + settings + "}\n",
                           "/etc/chatrelay/chatrelay.yaml", result->problems, config::Environment::process());
  const auto* config = result->config.destination("mailbox");
  EXPECT_NE(config, nullptr) << result->problems.to_string();
  if (config == nullptr) return result;
  email_kind().schema(*config, result->problems);
  result->options = read_email_options(*config);
  return result;
}

std::string problems_of(const std::string& settings) {
  return configure(settings)->problems.to_string();
}

}  // namespace

TEST(EmailOptions, Reading) {
  const auto smtp = configure(
      "smtp: \"smtp://mail.example\", from: \"Chat <chat@example.com>\", to: [a@example.com, \"B <b@example.com>\"]");
  EXPECT_EQ(smtp->problems.to_string(), "");
  EXPECT_EQ(smtp->options.smtp->origin, "smtp://mail.example:587");
  EXPECT_TRUE(smtp->options.smtp->require_tls);
  EXPECT_EQ(smtp->options.from, (Mailbox{"Chat", "chat@example.com"}));
  EXPECT_EQ(smtp->options.to.size(), 2u);
  EXPECT_EQ(configure("smtp: \"smtps://mail.example\", from: a@b")->options.smtp->origin, "smtps://mail.example:465");
  EXPECT_EQ(configure("smtp: \"smtp://[::1]:25\", from: a@b")->options.smtp->origin, "smtp://[::1]:25");
  EXPECT_EQ(configure("smtp: \"maildir:/var/mail/chat\", from: a@b")->options.maildir, "/var/mail/chat");
  EXPECT_EQ(configure("smtp: \"maildir:../mail\", from: a@b")->options.maildir, "/etc/mail");
}

TEST(EmailOptions, WrongSettingsAreProblems) {
  EXPECT_THAT(problems_of("from: a@b"), HasSubstr("smtp"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\""), HasSubstr("needs from"));
  EXPECT_THAT(problems_of("smtp: \"http://m\", from: a@b"), HasSubstr("smtp://host:587"));
  EXPECT_THAT(problems_of("smtp: \"smtp://user:geheim77@m\", from: a@b"), HasSubstr("username: and password:"));
  EXPECT_THAT(problems_of("smtp: \"smtp://user:geheim77@m\", from: a@b"), ::testing::Not(HasSubstr("geheim77")));
  EXPECT_THAT(problems_of("smtp: \"smtp://m/relay\", from: a@b"), HasSubstr("ehlo:"));
  EXPECT_THAT(problems_of("smtp: \"maildir:\", from: a@b"), HasSubstr("needs a folder"));
  EXPECT_THAT(problems_of("smtp: \"maildir:/x\", from: a@b, tls: off"), HasSubstr("not to a Maildir"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: nobody"), HasSubstr("not an address"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: a@b, to: [\"a@b, c@d\"]"), HasSubstr("not an address"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: a@b, password: \"${PATH}\""), HasSubstr("no username"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: a@b, username: u"), HasSubstr("needs a password"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: a@b, tls: off"), HasSubstr("in clear"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: a@b, tls: off, username: u, password: \"${PATH}\""),
              HasSubstr("never sent in clear"));
  EXPECT_THAT(problems_of("smtp: \"smtps://m\", from: a@b, tls: off"), HasSubstr("is TLS"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: a@b, form: x"), HasSubstr("from"));
  EXPECT_THAT(problems_of("smtp: \"smtp://m\", from: a@b, ehlo: \"a b\""), HasSubstr("host name"));
}
