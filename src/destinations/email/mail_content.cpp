#include "destinations/email/mail_content.hpp"

#include <algorithm>

#include "common/crypto.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::email {

namespace {

const json::value* given(const json::object& with, std::string_view key) {
  const json::value* value = with.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

// A text; numbers and booleans as JSON writes them. nullopt: absent.
Result<std::optional<std::string>> text_at(const json::object& with, std::string_view key) {
  const json::value* value = given(with, key);
  if (value == nullptr) return std::optional<std::string>{};
  if (value->is_string()) return std::optional<std::string>(std::string(value->get_string()));
  if (value->is_number() || value->is_bool()) return std::optional<std::string>(expression::compact_json(*value));
  return invalid(std::string(key) + " must be a text");
}

Result<std::vector<Mailbox>> mailboxes_at(const json::object& with, std::string_view key) {
  std::vector<Mailbox> mailboxes;
  const json::value* value = given(with, key);
  if (value == nullptr) return mailboxes;
  const json::array one{*value};
  for (const json::value& entry : value->is_array() ? value->get_array() : one) {
    if (entry.is_null()) continue;
    std::optional<Mailbox> mailbox;
    if (entry.is_string()) mailbox = parse_mailbox(std::string_view(entry.get_string()));
    if (!mailbox)
      return invalid(std::string(key) + " holds \"" + printable(json::serialize(entry), 80) +
                     "\", which is not one address");
    mailboxes.push_back(std::move(*mailbox));
  }
  return mailboxes;
}

// nullopt: nothing is attached.
Result<std::optional<Attachment>> read_attachment(const json::value& value, std::size_t index) {
  const std::string where = "attachments[" + std::to_string(index) + "]";
  if (!value.is_object()) return invalid(where + " must be a map of name, content_type and text or base64");
  const json::object& map = value.get_object();
  const auto name = text_at(map, "name");
  const auto type = text_at(map, "content_type");
  const auto text = text_at(map, "text");
  const auto base64 = text_at(map, "base64");
  for (const auto* field : {&name, &type, &text, &base64}) {
    if (!*field) return invalid(where + "." + field->error().message);
  }
  if (!text->has_value() && !base64->has_value() && (map.contains("text") || map.contains("base64")))
    return std::optional<Attachment>{};  // its content is null: there is nothing to attach
  if (text->has_value() == base64->has_value()) return invalid(where + " needs text or base64, and one of them only");
  Attachment attachment;
  attachment.name = name->value_or("");
  attachment.content_type = type->value_or(text->has_value() ? "text/plain" : "application/octet-stream");
  if (text->has_value()) {
    attachment.content = repair_utf8(**text);
    return std::optional(std::move(attachment));
  }
  std::optional<std::string> bytes = base64_decode(**base64);
  if (!bytes) return invalid(where + ".base64 is not base64");
  attachment.content = std::move(*bytes);
  return std::optional(std::move(attachment));
}

Result<std::vector<Attachment>> read_attachments(const json::object& with) {
  std::vector<Attachment> attachments;
  const json::value* value = given(with, "attachments");
  if (value == nullptr) return attachments;
  if (!value->is_array()) return invalid("attachments must be a list");
  std::size_t index = 0;
  for (const json::value& entry : value->get_array()) {
    if (entry.is_null()) continue;
    if (attachments.size() >= attachments_max) return invalid("attachments are more than 20");
    Result<std::optional<Attachment>> attachment = read_attachment(entry, index++);
    if (!attachment) return attachment.error();
    if (*attachment) attachments.push_back(std::move(**attachment));
  }
  return attachments;
}

std::vector<std::string> envelope_of(const Message& message) {
  std::vector<std::string> recipients;
  for (const auto* list : {&message.to, &message.cc}) {
    for (const Mailbox& mailbox : *list) {
      const bool known =
          std::ranges::any_of(recipients, [&](const std::string& r) { return iequals_ascii(r, mailbox.address); });
      if (!known) recipients.push_back(mailbox.address);
    }
  }
  return recipients;
}

// A rule may leave the subject out; then it is at least the same for a whole chat, as threads need it.
std::string subject_without_rule(const Attempt& attempt) {
  return attempt.chat_id.empty() ? attempt.event_type : "Chat " + attempt.chat_id;
}

std::optional<Mailbox> reply_to_of(const EmailOptions& options, const json::object& with) {
  const json::value* value = given(with, "reply_to");
  if (value != nullptr && value->is_string()) {
    if (auto mailbox = parse_mailbox(std::string_view(value->get_string()))) return mailbox;
  }
  return options.reply_to;
}

Result<Message> read_message(const EmailOptions& options, const Attempt& attempt) {
  const json::value empty = json::object{};
  const json::value& payload = attempt.with.is_null() ? empty : attempt.with;
  if (!payload.is_object()) return invalid("`with` must be a map");
  const json::object& with = payload.get_object();
  auto subject = text_at(with, "subject");
  auto text = text_at(with, "text");
  auto html = text_at(with, "html");
  auto to = mailboxes_at(with, "to");
  auto cc = mailboxes_at(with, "cc");
  auto attachments = read_attachments(with);
  for (const auto* field : {&subject, &text, &html}) {
    if (!*field) return field->error();
  }
  if (!to) return to.error();
  if (!cc) return cc.error();
  if (!attachments) return attachments.error();
  if (!*text && !*html) return invalid("neither text nor html is given");
  Message message;
  message.from = options.from;
  message.to = to->empty() ? options.to : std::move(*to);
  message.cc = std::move(*cc);
  message.reply_to = reply_to_of(options, with);
  message.subject = subject->value_or(subject_without_rule(attempt));
  message.text = std::move(*text);
  message.html = std::move(*html);
  message.attachments = std::move(*attachments);
  message.delivery_id = attempt.id;
  message.source = attempt.source;
  message.chat_id = attempt.chat_id;
  message.date = attempt.planned_at;  // not the clock: a retry sends the same bytes
  if (message.to.empty()) return invalid("to is empty, here and in the configuration");
  return message;
}

}  // namespace

Result<Mail> build_mail(const EmailOptions& options, const Attempt& attempt) {
  const Result<Message> message = read_message(options, attempt);
  if (!message) return message.error();
  Mail mail;
  mail.recipients = envelope_of(*message);
  if (mail.recipients.size() > recipients_max) return invalid("to and cc are more than 50 addresses");
  mail.message = build_message(*message);
  if (mail.message.size() > message_bytes_max) return invalid("the mail is larger than 25 MiB");
  return mail;
}

rules::ActionSchema mail_schema(bool to_is_configured) {
  using expression::Escape;
  rules::ActionSchema schema;
  for (const std::string key : {"subject", "text", "cc", "reply_to", "attachments"})
    schema.with.emplace(key, rules::WithKey{});
  schema.with.emplace("html", rules::WithKey{false, Escape::html});
  schema.with.emplace("to", rules::WithKey{!to_is_configured, Escape::none});
  return schema;
}

}  // namespace chatrelay::destinations::email
