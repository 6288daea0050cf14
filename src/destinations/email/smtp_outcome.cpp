#include "destinations/email/smtp_outcome.hpp"

#include <cctype>

#include "common/text.hpp"
#include "destinations/outcome_text.hpp"

namespace chatrelay::destinations::email {

namespace {

// CURLcode numbers are part of libcurl's ABI; <curl/curl.h> stays in the http room.
enum CurlCode : int {
  curl_unsupported_protocol = 1,
  curl_url_malformat = 3,
  curl_weird_server_reply = 8,
  curl_use_ssl_failed = 64,
  curl_login_denied = 67,
  curl_peer_failed_verification = 60,
  curl_ssl_cacert_badfile = 77,
};

// A server that refuses us at its greeting has put us on a list; asking every few seconds makes that worse.
constexpr Millis blocked_wait = std::chrono::minutes(10);

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string text_of(const http::MailResponse& response) {
  if (response.reply_code >= 400) {
    const std::string code = std::to_string(response.reply_code);
    if (response.reply.empty()) return "SMTP " + code;
    return response.reply.starts_with(code) ? response.reply : code + " " + response.reply;
  }
  return response.error.empty() ? "libcurl error " + std::to_string(response.curl_code) : response.error;
}

SmtpVerdict verdict(OutcomeClass klass, const http::MailResponse& response, bool destination_fault, bool recipient_only,
                    std::string_view hint = {}) {
  SmtpVerdict v;
  v.outcome.klass = klass;
  v.outcome.reason = bounded_reason(text_of(response) + (hint.empty() ? "" : " (" + std::string(hint) + ")"));
  v.outcome.status = response.reply_code;
  v.outcome.response = kept_response(response.reply);
  v.outcome.destination_fault = destination_fault;
  v.recipient_only = recipient_only;
  return v;
}

// x.3.* is the mail system, x.4.* the network and routing (RFC 3463 §3.4, §3.5): not this recipient.
bool is_system_subject(std::string_view enhanced) {
  return enhanced.size() > 2 && (enhanced.substr(2).starts_with("3.") || enhanced.substr(2).starts_with("4."));
}

SmtpVerdict temporary(const http::MailResponse& r, std::string_view enhanced) {
  const int code = r.reply_code;
  // 421: the server ends the session; 454 is a failure of its authentication, which libcurl calls LOGIN_DENIED.
  if (code == 421 || code == 454 || r.curl_code == curl_login_denied)
    return verdict(OutcomeClass::retry, r, true, false);
  // Without an enhanced code, 450 and 452 speak of a mailbox and everything else of the server (RFC 5321 §4.2.3).
  const bool fault = is_system_subject(enhanced) || (enhanced.empty() && code != 450 && code != 452);
  // After the final dot the content was put off, for whomever it was meant.
  return verdict(OutcomeClass::retry, r, fault, !fault && !r.sent_body);
}

SmtpVerdict permanent(const http::MailResponse& r, std::string_view enhanced) {
  const int code = r.reply_code;
  if (code == 535 || code == 534 || code == 530 || code == 538 || r.curl_code == curl_login_denied) {
    return verdict(OutcomeClass::disable, r, true, false, "the mail server refuses the login");
  }
  if (code == 554 && r.curl_code == curl_weird_server_reply && !r.sent_body) {
    SmtpVerdict v = verdict(OutcomeClass::retry, r, true, false, "refused at the greeting");
    v.outcome.wait = blocked_wait;
    return v;
  }
  // The sender is the configured one: refused for one mail, it is refused for all.
  if (enhanced == "5.1.7" || enhanced == "5.1.8")
    return verdict(OutcomeClass::disable, r, true, false, "the configured from is refused");
  if (enhanced == "5.2.2") return verdict(OutcomeClass::retry, r, false, true);  // mailbox full: often passes
  // After the final dot it is the content, the same for every recipient.
  return verdict(OutcomeClass::reject, r, false, !r.sent_body);
}

SmtpVerdict without_reply(const http::MailResponse& r, bool with_bearer) {
  // 354 was the last word: the body went out and no answer to the final dot came.
  if (r.reply_code == 354 || r.sent_body)
    return verdict(OutcomeClass::ambiguous, r, true, false, "the mail may have been accepted");
  if (r.reply_code == 334 || r.curl_code == curl_login_denied) {
    return verdict(OutcomeClass::disable, r, true, false,
                   with_bearer ? "the bearer token is refused: renew it" : "the mail server refuses the login");
  }
  switch (r.curl_code) {
    case curl_url_malformat:
    case curl_unsupported_protocol:
    case curl_ssl_cacert_badfile:
      return verdict(OutcomeClass::disable, r, true, false, "check smtp and ca_file");
    case curl_use_ssl_failed:
      // Not disabled: somebody in between who strips STARTTLS must not be able to stop us for good.
      return verdict(OutcomeClass::retry, r, true, false,
                     "the server offers no STARTTLS, which tls: required asks for");
    case curl_peer_failed_verification:
      return verdict(OutcomeClass::retry, r, true, false,
                     "the certificate is not trusted; a private authority goes into ca_file");
    default:
      return verdict(OutcomeClass::retry, r, true, false);
  }
}

}  // namespace

std::string enhanced_code(std::string_view reply) {
  // At the beginning, after an optional reply code and its separator.
  reply = trim(reply);
  if (reply.size() > 4 && is_digit(reply[0]) && is_digit(reply[1]) && is_digit(reply[2]) &&
      (reply[3] == ' ' || reply[3] == '-')) {
    reply.remove_prefix(4);
  }
  std::size_t i = 0;
  const auto number = [&](std::size_t digits_max) {
    const std::size_t begin = i;
    while (i < reply.size() && is_digit(reply[i]) && i - begin < digits_max) ++i;
    return i > begin;
  };
  const bool found = !reply.empty() && (reply[0] == '2' || reply[0] == '4' || reply[0] == '5') && number(1) &&
                     i < reply.size() && reply[i++] == '.' && number(3) && i < reply.size() && reply[i++] == '.' &&
                     number(3);
  if (!found || (i < reply.size() && (is_digit(reply[i]) || reply[i] == '.'))) return {};
  return std::string(reply.substr(0, i));
}

SmtpVerdict classify_smtp(const http::MailResponse& response, bool with_bearer) {
  if (response.refused_address) {
    return verdict(OutcomeClass::disable, response, true, false,
                   "the mail server has a private or loopback address; set allow_private: true if that is meant");
  }
  const int code = response.reply_code;
  const std::string enhanced = enhanced_code(response.reply);
  if (code >= 400 && code < 500) return temporary(response, enhanced);
  if (code >= 500 && code < 600) return permanent(response, enhanced);
  if (response.curl_code != 0) return without_reply(response, with_bearer);
  SmtpVerdict ok;
  ok.outcome.status = code;
  ok.outcome.response = kept_response(response.reply);
  return ok;
}

}  // namespace chatrelay::destinations::email
