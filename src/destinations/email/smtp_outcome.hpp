// From what libcurl tells of a mail transaction to an Outcome. Pure; the table is contract §4.1 and §4.2.
//
// The reply code decides first: libcurl's own code says SEND_ERROR for every refused command and LOGIN_DENIED for a
// temporary 454.
#pragma once

#include <string>

#include "event/outcome.hpp"
#include "http/client.hpp"

namespace chatrelay::destinations::email {

struct SmtpVerdict {
  Outcome outcome;
  // True if the refusal concerns this recipient only, so that the others of the same delivery are still worth a try.
  bool recipient_only = false;
};

SmtpVerdict classify_smtp(const http::MailResponse& response, bool with_bearer);

// "5.1.1" of a reply text such as "550 5.1.1 no such user"; empty if there is none (RFC 3463).
std::string enhanced_code(std::string_view reply);

}  // namespace chatrelay::destinations::email
