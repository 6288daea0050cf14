#include "destinations/email/smtp_outcome.hpp"

#include <gtest/gtest.h>

using namespace chatrelay;
using namespace chatrelay::destinations::email;

namespace {

struct Row {
  const char* what;
  int curl;
  int code;
  const char* reply;
  bool sent_body;
  OutcomeClass klass;
  bool fault;
  bool recipient_only;
};

http::MailResponse response_of(const Row& row) {
  http::MailResponse response;
  response.curl_code = row.curl;
  response.reply_code = row.code;
  response.reply = row.reply;
  response.sent_body = row.sent_body;
  response.error = row.curl == 0 ? "" : "libcurl says no";
  return response;
}

}  // namespace

// Contract §4.1 and §4.2 as one table.
TEST(SmtpOutcome, Table) {
  using enum OutcomeClass;
  const Row rows[] = {
      {"accepted", 0, 250, "250 2.0.0 Ok: queued as 4F1", true, ok, false, false},
      {"greylisted", 55, 450, "450 4.7.1 Greylisted", false, retry, false, true},
      {"mailbox busy", 55, 450, "450 4.2.0 try later", false, retry, false, true},
      {"mailbox full for now", 55, 452, "452 4.2.2 over quota", false, retry, false, true},
      {"plain 450", 55, 450, "450 later", false, retry, false, true},
      {"disk full", 55, 452, "452 4.3.1 Insufficient system storage", false, retry, true, false},
      {"local error", 55, 451, "451 4.3.0 lookup error", false, retry, true, false},
      {"plain 451", 55, 451, "451 local error", false, retry, true, false},
      {"content put off", 8, 451, "451 4.7.1 try again", true, retry, false, false},
      {"shutting down", 55, 421, "421 4.3.2 closing", false, retry, true, false},
      {"busy greeting", 8, 421, "421 4.7.0 too many connections", false, retry, true, false},
      {"temporary login failure", 67, 454, "454 4.7.0 temporary", false, retry, true, false},
      {"wrong password", 67, 535, "535 5.7.8 bad credentials", false, disable, true, false},
      {"stronger mechanism", 67, 534, "534 5.7.9", false, disable, true, false},
      {"login needed", 55, 530, "530 5.7.0 Must issue STARTTLS", false, disable, true, false},
      {"encryption needed", 55, 538, "538 5.7.11", false, disable, true, false},
      {"no such user", 55, 550, "550 5.1.1 no such user", false, reject, false, true},
      {"bad domain", 55, 550, "550 5.4.1 no", false, reject, false, true},
      {"bad mailbox name", 55, 553, "553 5.1.3 syntax", false, reject, false, true},
      {"relaying denied", 55, 554, "554 5.7.1 Relay access denied", false, reject, false, true},
      {"sender refused", 55, 550, "550 5.1.8 sender domain not found", false, disable, true, false},
      {"sender does not exist", 55, 550, "550-5.1.7 bad sender", false, disable, true, false},
      {"mailbox full", 55, 552, "552 5.2.2 mailbox full", false, retry, false, true},
      {"too big", 55, 552, "552 5.3.4 size", false, reject, false, true},
      {"content refused", 8, 550, "550 5.6.0 no", true, reject, false, false},
      {"policy", 8, 550, "550 5.7.1 spam", true, reject, false, false},
      {"refused greeting", 8, 554, "554 no", false, retry, true, false},
      {"no answer to the final dot", 56, 354, "354 go ahead", true, ambiguous, true, false},
      {"timeout after the body", 28, 250, "", true, ambiguous, true, false},
      {"xoauth2 refused", 67, 334, "334 eyJ", false, disable, true, false},
      {"no mechanism in common", 67, 250, "250 ok", false, disable, true, false},
      {"no STARTTLS", 64, 250, "250 ok", false, retry, true, false},
      {"bad certificate", 60, 0, "", false, retry, true, false},
      {"connection refused", 7, 0, "", false, retry, true, false},
      {"no such host", 6, 0, "", false, retry, true, false},
      {"timeout", 28, 220, "220 hello", false, retry, true, false},
      {"closed after MAIL", 56, 250, "250 ok", false, retry, true, false},
      {"unreadable ca_file", 77, 0, "", false, disable, true, false},
      {"bad URL", 3, 0, "", false, disable, true, false},
      {"something new", 99, 0, "", false, retry, true, false},
  };
  for (const Row& row : rows) {
    const SmtpVerdict verdict = classify_smtp(response_of(row), false);
    EXPECT_EQ(to_string(verdict.outcome.klass), to_string(row.klass)) << row.what;
    EXPECT_EQ(verdict.outcome.destination_fault, row.fault) << row.what;
    EXPECT_EQ(verdict.recipient_only, row.recipient_only) << row.what;
    EXPECT_EQ(verdict.outcome.status, row.code) << row.what;
    EXPECT_EQ(verdict.outcome.reason.empty(), row.klass == ok) << row.what;
  }
}

TEST(SmtpOutcome, AGreetingThatRefusesIsAskedSlowly) {
  EXPECT_EQ(classify_smtp(response_of({"", 8, 554, "554 no", false, {}, false, false}), false).outcome.wait,
            std::chrono::minutes(10));
}

TEST(SmtpOutcome, APrivateAddressDisablesWithAHint) {
  http::MailResponse response;
  response.curl_code = 7;
  response.refused_address = true;
  response.error = "refused";
  const Outcome outcome = classify_smtp(response, false).outcome;
  EXPECT_EQ(outcome.klass, OutcomeClass::disable);
  EXPECT_NE(outcome.reason.find("allow_private: true"), std::string::npos);
}

TEST(SmtpOutcome, TheReasonIsTheServersOwnLine) {
  EXPECT_EQ(classify_smtp(response_of({"", 55, 550, "550 5.1.1 no such user", false, {}, false, false}), false)
                .outcome.reason,
            "550 5.1.1 no such user");
  EXPECT_EQ(
      classify_smtp(response_of({"", 55, 550, "5.1.1 no such user", false, {}, false, false}), false).outcome.reason,
      "550 5.1.1 no such user");
  EXPECT_EQ(classify_smtp(response_of({"", 55, 550, "", false, {}, false, false}), false).outcome.reason, "SMTP 550");
  EXPECT_LE(classify_smtp(response_of({"", 55, 550, std::string(5000, 'x').c_str(), false, {}, false, false}), false)
                .outcome.reason.size(),
            500u);
}

TEST(SmtpOutcome, EnhancedCodes) {
  EXPECT_EQ(enhanced_code("550 5.1.1 no such user"), "5.1.1");
  EXPECT_EQ(enhanced_code("550-5.7.26 first of many"), "5.7.26");
  EXPECT_EQ(enhanced_code("4.7.0 x"), "4.7.0");
  EXPECT_EQ(enhanced_code("5.1.1"), "5.1.1");
  for (const char* reply :
       {"", "550", "550 no", "550 192.168.1.1", "550 5.1", "550 5.1.", "3.1.1 x", "550 5.1.1.1", "550 5.1.1234"})
    EXPECT_EQ(enhanced_code(reply), "") << reply;
}
