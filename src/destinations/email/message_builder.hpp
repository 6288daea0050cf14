// MessageBuilder: a complete RFC 5322 message with MIME parts. Pure: the same input gives the same bytes, so every
// retry of a delivery sends the same mail and a recipient's system can tell it by its Message-ID.
//
// Invariant 10: what a visitor wrote stands only in base64 bodies and encoded header values. It cannot add a header, a
// part or, through bare line feeds, a second mail (SMTP smuggling, contract §4.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "destinations/email/address.hpp"

namespace chatrelay::destinations::email {

struct Attachment {
  std::string name;
  std::string content_type;  // "text/csv"; anything unusable becomes application/octet-stream
  std::string content;       // bytes
};

struct Message {
  Mailbox from;
  std::vector<Mailbox> to;
  std::vector<Mailbox> cc;
  std::optional<Mailbox> reply_to;
  std::string subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
  std::vector<Attachment> attachments;
  std::string delivery_id;  // of the Message-ID and the boundaries
  std::string source;       // with the chat: of the thread's root
  std::string chat_id;      // empty: the mail belongs to no thread
  WallTime date;
};

// CRLF throughout, no line over 998 bytes, ends with CRLF.
std::string build_message(const Message& message);

// "<01j…@example.com>"
std::string message_id(std::string_view delivery_id, std::string_view domain);
// The root of a chat's thread: "<chat-0123456789abcdef…@example.com>". No mail carries it as its own id: which mail is
// the first is not known without state, and every mail that refers to one root is shown in one thread.
std::string thread_root(std::string_view source, std::string_view chat_id, std::string_view domain);

}  // namespace chatrelay::destinations::email
