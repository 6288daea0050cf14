// The reverse of event_to_json.cpp. What is missing or of a wrong type is unknown; nothing here fails.
#include <utility>

#include "common/json.hpp"
#include "event/event.hpp"

namespace chatrelay {
namespace {

const json::value& member_or_null(const json::value& value, std::string_view key) {
  static const json::value null;
  const json::value* at = find(value, key);
  return at == nullptr ? null : *at;
}

json::object object_or_empty(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  return at != nullptr && at->is_object() ? at->get_object() : json::object();
}

const json::array& array_or_empty(const json::value& value, std::string_view key) {
  static const json::array empty;
  const json::value* at = find(value, key);
  return at != nullptr && at->is_array() ? at->get_array() : empty;
}

// Unlike time_at the epoch is a time here: these are our own values.
std::optional<WallTime> own_time(const json::value& value, std::string_view key) {
  const auto text = strict_string_at(value, key);
  return text ? parse_rfc3339(*text) : std::nullopt;
}

// A number, not a string of digits: "5" in a member of ours is of a wrong type.
std::optional<double> strict_number(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  return at != nullptr && at->is_number() ? number_at(value, key) : std::nullopt;
}
std::optional<std::int64_t> strict_int(const json::value& value, std::string_view key) {
  const json::value* at = find(value, key);
  return at != nullptr && at->is_number() ? int_at(value, key) : std::nullopt;
}

Rating rating_from(const json::value& value) {
  Rating rating;
  rating.score = strict_number(value, "score");
  rating.scale = strict_number(value, "scale");
  rating.comment = strict_string_at(value, "comment");
  return rating;
}

std::vector<File> files_from(const json::array& array) {
  std::vector<File> files;
  for (const json::value& value : array) {
    if (!value.is_object()) continue;
    File file;
    file.name = strict_string_at(value, "name");
    file.url = strict_string_at(value, "url");
    file.content_type = strict_string_at(value, "content_type");
    file.size = strict_int(value, "size");
    files.push_back(std::move(file));
  }
  return files;
}

std::vector<FormField> form_from(const json::array& array) {
  std::vector<FormField> form;
  for (const json::value& value : array) {
    if (!value.is_object()) continue;
    FormField field;
    field.label = strict_string_at(value, "label").value_or("");
    field.value = member_or_null(value, "value");
    form.push_back(std::move(field));
  }
  return form;
}

template <class T, class Read>
std::optional<T> if_object(const json::value& value, std::string_view key, Read read) {
  const json::value* at = find(value, key);
  if (at == nullptr || !at->is_object()) return std::nullopt;
  return read(*at);
}

}  // namespace

Event event_from_json(const json::value& value) {
  Event event;
  event.id = strict_string_at(value, "id").value_or("");
  event.type = strict_string_at(value, "type").value_or("");
  event.source = strict_string_at(value, "source").value_or("");
  event.system = strict_string_at(value, "system").value_or("");
  event.received_at = own_time(value, "received_at").value_or(WallTime{});
  event.occurred_at = own_time(value, "occurred_at");
  event.chat = if_object<Chat>(value, "chat", chat_from_json);
  event.visitor = if_object<Visitor>(value, "visitor", visitor_from_json);
  event.agent = if_object<Agent>(value, "agent", agent_from_json);
  event.message = if_object<Message>(value, "message", message_from_json);
  event.activity = object_or_empty(value, "activity");
  event.raw = member_or_null(value, "raw");
  return event;
}

Message message_from_json(const json::value& value) {
  Message message;
  message.id = strict_string_at(value, "id");
  message.text = strict_string_at(value, "text");
  message.kind = strict_string_at(value, "kind").value_or(message.kind);
  const json::value& author = member_or_null(value, "author");
  message.author.id = strict_string_at(author, "id");
  message.author.name = strict_string_at(author, "name");
  message.author.role = strict_string_at(author, "role");
  message.audience = strict_string_at(value, "audience").value_or(message.audience);
  message.sent_at = own_time(value, "sent_at");
  message.edited_at = own_time(value, "edited_at");
  message.repeated = bool_at(value, "repeated").value_or(false);
  message.files = files_from(array_or_empty(value, "files"));
  message.form = form_from(array_or_empty(value, "form"));
  message.client_id = strict_string_at(value, "client_id");
  return message;
}

Chat chat_from_json(const json::value& value) {
  Chat chat;
  chat.id = strict_string_at(value, "id");
  chat.thread_id = strict_string_at(value, "thread_id");
  chat.status = strict_string_at(value, "status");
  chat.initiator = strict_string_at(value, "initiator");
  chat.started_at = own_time(value, "started_at");
  chat.ended_at = own_time(value, "ended_at");
  chat.department = strict_string_at(value, "department");
  if (const json::value* tags = find(value, "tags"); tags != nullptr && tags->is_array()) {
    chat.tags.emplace();
    for (const json::value& tag : tags->get_array())
      if (tag.is_string()) chat.tags->emplace_back(tag.get_string());
  }
  chat.rating = if_object<Rating>(value, "rating", rating_from);
  if (const json::value* queue = find(value, "queue"); queue != nullptr && queue->is_object())
    chat.queue = Queue{strict_int(*queue, "position"), strict_int(*queue, "wait_time_s")};
  chat.properties = object_or_empty(value, "properties");
  return chat;
}

Visitor visitor_from_json(const json::value& value) {
  Visitor visitor;
  visitor.id = strict_string_at(value, "id");
  visitor.name = strict_string_at(value, "name");
  visitor.email = strict_string_at(value, "email");
  visitor.phone = strict_string_at(value, "phone");
  visitor.language = strict_string_at(value, "language");
  visitor.timezone = strict_string_at(value, "timezone");
  visitor.user_agent = strict_string_at(value, "user_agent");
  const json::value& page = member_or_null(value, "page");
  visitor.page.url = strict_string_at(page, "url");
  visitor.page.title = strict_string_at(page, "title");
  visitor.page.referrer = strict_string_at(page, "referrer");
  visitor.ip = strict_string_at(value, "ip");
  visitor.active = bool_at(value, "active");
  visitor.consent = bool_at(value, "consent");
  visitor.custom = object_or_empty(value, "custom");
  return visitor;
}

Agent agent_from_json(const json::value& value) {
  Agent agent;
  agent.id = strict_string_at(value, "id");
  agent.name = strict_string_at(value, "name");
  agent.email = strict_string_at(value, "email");
  return agent;
}

}  // namespace chatrelay
