// Events and their parts as the JSON that rules see and that the store keeps.
//
// Called for every event: each object is made at its final size, and a whole event lives in one monotonic buffer, so
// that building it costs a few allocations and dropping it one.
#include <string_view>

#include "common/json.hpp"
#include "event/event.hpp"

namespace chatrelay {
namespace {

using Storage = json::storage_ptr;

// Appends members to an object whose keys are known to differ.
class Members {
 public:
  Members(std::size_t count, const Storage& storage) : object_(storage) { object_.reserve(count); }

  void add(std::string_view key, json::value value) { object_.emplace(key, std::move(value)); }
  void text(std::string_view key, std::string_view value) {
    object_.emplace(key, json::string(value, object_.storage()));
  }
  void text(std::string_view key, const std::optional<std::string>& value) {
    if (value)
      text(key, std::string_view(*value));
    else
      null(key);
  }
  void time(std::string_view key, const std::optional<WallTime>& value) {
    if (value)
      text(key, std::string_view(format_rfc3339(*value)));
    else
      null(key);
  }
  template <class T>
  void plain(std::string_view key, const std::optional<T>& value) {
    if (value)
      object_.emplace(key, *value);
    else
      null(key);
  }
  void flag(std::string_view key, bool value) { object_.emplace(key, value); }
  void null(std::string_view key) { object_.emplace(key, nullptr); }
  void copy(std::string_view key, const json::value& value) {
    object_.emplace(key, json::value(value, object_.storage()));
  }
  void copy(std::string_view key, const json::object& value) {
    object_.emplace(key, json::object(value, object_.storage()));
  }
  json::object take() { return std::move(object_); }

 private:
  json::object object_;
};

json::object rating_object(const Rating& rating, const Storage& storage) {
  Members m(3, storage);
  m.plain("score", rating.score);
  m.plain("scale", rating.scale);
  m.text("comment", rating.comment);
  return m.take();
}

json::object queue_object(const Queue& queue, const Storage& storage) {
  Members m(2, storage);
  m.plain("position", queue.position);
  m.plain("wait_time_s", queue.wait_time_s);
  return m.take();
}

json::object chat_object(const Chat& chat, const Storage& storage) {
  Members m(11, storage);
  m.text("id", chat.id);
  m.text("thread_id", chat.thread_id);
  m.text("status", chat.status);
  m.text("initiator", chat.initiator);
  m.time("started_at", chat.started_at);
  m.time("ended_at", chat.ended_at);
  m.text("department", chat.department);
  if (chat.tags) {
    json::array tags(storage);
    tags.reserve(chat.tags->size());
    for (const std::string& tag : *chat.tags) tags.emplace_back(std::string_view(tag));
    m.add("tags", std::move(tags));
  } else {
    m.null("tags");
  }
  if (chat.rating)
    m.add("rating", rating_object(*chat.rating, storage));
  else
    m.null("rating");
  if (chat.queue)
    m.add("queue", queue_object(*chat.queue, storage));
  else
    m.null("queue");
  m.copy("properties", chat.properties);
  return m.take();
}

json::object page_object(const Page& page, const Storage& storage) {
  Members m(3, storage);
  m.text("url", page.url);
  m.text("title", page.title);
  m.text("referrer", page.referrer);
  return m.take();
}

json::object visitor_object(const Visitor& visitor, const Storage& storage) {
  Members m(12, storage);
  m.text("id", visitor.id);
  m.text("name", visitor.name);
  m.text("email", visitor.email);
  m.text("phone", visitor.phone);
  m.text("language", visitor.language);
  m.text("timezone", visitor.timezone);
  m.text("user_agent", visitor.user_agent);
  m.add("page", page_object(visitor.page, storage));
  m.text("ip", visitor.ip);
  m.plain("active", visitor.active);
  m.plain("consent", visitor.consent);
  m.copy("custom", visitor.custom);
  return m.take();
}

json::object agent_object(const Agent& agent, const Storage& storage) {
  Members m(3, storage);
  m.text("id", agent.id);
  m.text("name", agent.name);
  m.text("email", agent.email);
  return m.take();
}

json::object author_object(const Author& author, const Storage& storage) {
  Members m(3, storage);
  m.text("id", author.id);
  m.text("name", author.name);
  m.text("role", author.role);
  return m.take();
}

json::array file_array(const std::vector<File>& files, const Storage& storage) {
  json::array out(storage);
  out.reserve(files.size());
  for (const File& file : files) {
    Members m(4, storage);
    m.text("name", file.name);
    m.text("url", file.url);
    m.text("content_type", file.content_type);
    m.plain("size", file.size);
    out.emplace_back(m.take());
  }
  return out;
}

json::array form_array(const std::vector<FormField>& form, const Storage& storage) {
  json::array out(storage);
  out.reserve(form.size());
  for (const FormField& field : form) {
    Members m(2, storage);
    m.text("label", std::string_view(field.label));
    m.copy("value", field.value);
    out.emplace_back(m.take());
  }
  return out;
}

json::object message_object(const Message& message, const Storage& storage) {
  Members m(11, storage);
  m.text("id", message.id);
  m.text("text", message.text);
  m.text("kind", std::string_view(message.kind));
  m.add("author", author_object(message.author, storage));
  m.text("audience", std::string_view(message.audience));
  m.time("sent_at", message.sent_at);
  m.time("edited_at", message.edited_at);
  m.flag("repeated", message.repeated);
  m.add("files", file_array(message.files, storage));
  m.add("form", form_array(message.form, storage));
  m.text("client_id", message.client_id);
  return m.take();
}

}  // namespace

json::value to_json(const Event& event, const EventExtras& extras, bool with_raw) {
  // A typical event takes 2 to 4 KiB; the first block holds it, with what rules add.
  const Storage storage = json::make_shared_resource<json::monotonic_resource>(std::size_t{4096});
  Members m(18, storage);  // three more than here: rules add transcripts
  m.text("id", std::string_view(event.id));
  m.text("type", std::string_view(event.type));
  m.text("source", std::string_view(event.source));
  m.text("system", std::string_view(event.system));
  m.time("received_at", event.received_at);
  m.time("occurred_at", event.occurred_at);
  if (event.chat)
    m.add("chat", chat_object(*event.chat, storage));
  else
    m.null("chat");
  if (event.visitor)
    m.add("visitor", visitor_object(*event.visitor, storage));
  else
    m.null("visitor");
  if (event.agent)
    m.add("agent", agent_object(*event.agent, storage));
  else
    m.null("agent");
  if (event.message)
    m.add("message", message_object(*event.message, storage));
  else
    m.null("message");
  m.copy("activity", event.activity);
  m.copy("links", extras.links);
  m.copy("presence", extras.presence);
  if (with_raw)
    m.copy("raw", event.raw);
  else
    m.null("raw");
  return m.take();
}

json::value to_json(const Message& message) {
  return message_object(message, {});
}
json::value to_json(const Chat& chat) {
  return chat_object(chat, {});
}
json::value to_json(const Visitor& visitor) {
  return visitor_object(visitor, {});
}
json::value to_json(const Agent& agent) {
  return agent_object(agent, {});
}

}  // namespace chatrelay
