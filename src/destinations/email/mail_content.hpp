// From an attempt's `with` to a Message and its recipients. Pure. Everything in `with` may come from a visitor.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"
#include "destinations/email/email_options.hpp"
#include "destinations/email/message_builder.hpp"
#include "event/delivery.hpp"
#include "rules/catalog.hpp"

namespace chatrelay::destinations::email {

inline constexpr std::size_t recipients_max = 50;           // Limit: to and cc of one mail
inline constexpr std::size_t attachments_max = 20;          // Limit
inline constexpr std::size_t message_bytes_max = 25 << 20;  // Limit: what most servers take

// Has a constructor: it crosses coroutine boundaries by value (g++ 12).
struct Mail {
  Mail() {}
  std::vector<std::string> recipients;  // of the envelope: to and cc, each once
  std::string message;
};

// Errors: invalid, naming the field. A reply_to that is no address is not an error: the visitor mistyped it, and the
// mail matters more; the configured one takes its place.
Result<Mail> build_mail(const EmailOptions& options, const Attempt& attempt);

rules::ActionSchema mail_schema(bool to_is_configured);

}  // namespace chatrelay::destinations::email
