#include "destinations/email/message_builder.hpp"

#include <algorithm>
#include <array>

#include "common/crypto.hpp"
#include "common/text.hpp"
#include "destinations/email/header_text.hpp"

namespace chatrelay::destinations::email {

namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::size_t base64_columns = 76;  // RFC 2045 §6.8

// An id that may stand in a Message-ID or a boundary, whatever it was.
std::string safe_id(std::string_view id) {
  const bool clean = !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (clean) return to_lower_ascii(id);
  const Digest digest = sha256(id);
  return hex_encode(std::span(digest).first(16));
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append(crlf);
}

void add_mailboxes(std::string& out, std::string_view name, const std::vector<Mailbox>& mailboxes) {
  if (mailboxes.empty()) return;
  std::string value;
  for (const Mailbox& mailbox : mailboxes) {
    // Each further one on a line of its own: no counting, never too long.
    value += (value.empty() ? "" : ",\r\n ") +
             encode_mailbox(mailbox.name, mailbox.address, value.empty() ? name.size() + 2 : 1);
  }
  add_header(out, name, value);
}

// Lines of text end in CRLF, however the visitor's did (RFC 2046 §4.1.1).
std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += crlf;
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else if (text[i] == '\n') {
      out += crlf;
    } else {
      out += text[i];
    }
  }
  return out;
}

void add_base64(std::string& out, std::string_view bytes) {
  const std::string encoded = base64_encode(bytes);
  for (std::size_t i = 0; i < encoded.size(); i += base64_columns) out.append(encoded, i, base64_columns).append(crlf);
}

// A part: its headers, an empty line, its body.
std::string text_part(std::string_view subtype, std::string_view text) {
  std::string out;
  add_header(out, "Content-Type", "text/" + std::string(subtype) + "; charset=utf-8");
  add_header(out, "Content-Transfer-Encoding", "base64");
  out += crlf;
  add_base64(out, with_crlf(repair_utf8(text)));
  return out;
}

// type/subtype of tokens. Composite types are refused: message/* and multipart/* may not be base64, and would let a
// stranger's bytes be parsed as mail.
std::string safe_content_type(std::string_view type) {
  constexpr std::string_view fallback = "application/octet-stream";
  const std::string lower = to_lower_ascii(trim(type));
  const std::size_t slash = lower.find('/');
  const auto is_token = [](std::string_view text) {
    return !text.empty() && text.size() <= 100 && std::ranges::all_of(text, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
             std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
    });
  };
  if (slash == std::string::npos) return std::string(fallback);
  const std::string_view main = std::string_view(lower).substr(0, slash);
  const std::string_view sub = std::string_view(lower).substr(slash + 1);
  if (!is_token(main) || !is_token(sub) || main == "message" || main == "multipart") return std::string(fallback);
  return lower;
}

std::string attachment_part(const Attachment& attachment) {
  std::string out;
  add_header(out, "Content-Type", safe_content_type(attachment.content_type));
  add_header(out, "Content-Disposition", "attachment" + encode_filename("filename", attachment.name));
  add_header(out, "Content-Transfer-Encoding", "base64");
  out += crlf;
  add_base64(out, attachment.content);
  return out;
}

// The boundary holds "=_", which base64 never does.
std::string multipart(std::string_view subtype, const std::string& boundary, const std::vector<std::string>& parts) {
  std::string out;
  add_header(out, "Content-Type", "multipart/" + std::string(subtype) + ";\r\n boundary=\"" + boundary + "\"");
  out += crlf;
  for (const std::string& part : parts) out += "--" + boundary + "\r\n" + part;
  return out + "--" + boundary + "--\r\n";
}

std::string content(const Message& message) {
  const std::string id = safe_id(message.delivery_id);
  std::vector<std::string> bodies;
  if (message.text) bodies.push_back(text_part("plain", *message.text));
  if (message.html) bodies.push_back(text_part("html", *message.html));
  if (bodies.empty()) bodies.push_back(text_part("plain", ""));
  // The last alternative is the preferred one (RFC 2046 §5.1.4): html after text.
  std::string body = bodies.size() == 1 ? bodies.front() : multipart("alternative", "=_" + id + "_a", bodies);
  if (message.attachments.empty()) return body;
  std::vector<std::string> parts{std::move(body)};
  for (const Attachment& attachment : message.attachments) parts.push_back(attachment_part(attachment));
  return multipart("mixed", "=_" + id + "_m", parts);
}

}  // namespace

std::string message_id(std::string_view delivery_id, std::string_view domain) {
  return "<" + safe_id(delivery_id) + "@" + std::string(domain) + ">";
}

std::string thread_root(std::string_view source, std::string_view chat_id, std::string_view domain) {
  // Hashed with the length of the first, so that no two pairs give the same text. A chat id is whatever a system calls
  // one.
  const Digest digest = sha256(std::to_string(source.size()) + ":" + std::string(source) + std::string(chat_id));
  return "<chat-" + hex_encode(std::span(digest).first(16)) + "@" + std::string(domain) + ">";
}

std::string build_message(const Message& message) {
  const std::string domain = message.from.domain();
  std::string out;
  add_header(out, "Date", format_rfc5322(message.date));
  add_mailboxes(out, "From", {message.from});
  add_mailboxes(out, "To", message.to);
  add_mailboxes(out, "Cc", message.cc);
  if (message.reply_to) add_mailboxes(out, "Reply-To", {*message.reply_to});
  add_header(out, "Subject", encode_unstructured(message.subject, 9));
  add_header(out, "Message-ID", message_id(message.delivery_id, domain));
  if (!message.chat_id.empty()) {
    const std::string root = thread_root(message.source, message.chat_id, domain);
    add_header(out, "In-Reply-To", root);
    add_header(out, "References", root);
  }
  add_header(out, "Auto-Submitted", "auto-generated");  // RFC 3834: no vacation notices come back
  add_header(out, "X-Auto-Response-Suppress", "All");   // the same for Exchange
  add_header(out, "MIME-Version", "1.0");
  return out + content(message);
}

}  // namespace chatrelay::destinations::email
