#include <algorithm>

#include "systems/livechat/livechat_objects.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::livechat {

namespace {

// An option as people read it: its label, else its value, else its id (a string or a number).
json::value option_text(const json::value& option) {
  if (option.is_string() || option.is_null()) return option;
  if (!option.is_object()) return json::value(json::serialize(option));
  for (const char* key : {"label", "value", "id"})
    if (auto text = string_at(option, key)) return json::value(*text);
  return nullptr;
}

json::value option_texts(const json::array& options) {
  json::array out;
  for (const json::value& option : options) out.push_back(option_text(option));
  return out;
}

// `answer` is a string, or an option; `answers` are options; captured checkboxes have `options`, very old data `value`.
json::value answer_of(const json::value& field) {
  for (const char* key : {"answer", "answers", "options", "value"}) {
    const json::value* answer = find(field, key);
    if (!answer || answer->is_null()) continue;
    return answer->is_array() ? option_texts(answer->get_array()) : option_text(*answer);
  }
  return nullptr;
}

std::vector<FormField> read_form(const json::value& event, bool filled) {
  std::vector<FormField> out;
  const json::value* fields = find(event, "fields");
  if (!fields || !fields->is_array()) return out;
  for (const json::value& field : fields->get_array()) {
    if (!field.is_object()) continue;
    FormField entry;
    entry.label = string_at(field, "label").value_or(string_at(field, "type").value_or(""));
    if (filled) entry.value = answer_of(field);  // an empty form's options are choices, not answers
    out.push_back(std::move(entry));
  }
  return out;
}

std::optional<File> read_file(const json::value& file) {
  File out;
  out.name = strict_string_at(file, "name");
  out.url = strict_string_at(file, "url");
  out.content_type = strict_string_at(file, "content_type");
  out.size = int_at(file, "size");
  if (!out.url && !out.name) return std::nullopt;
  return out;
}

void add_line(std::string& text, const std::optional<std::string>& line) {
  if (!line || line->empty()) return;
  if (!text.empty()) text += '\n';
  text += *line;
}

// Cards and quick replies as lines of text; their images as files.
void read_rich(const json::value& event, Message& message) {
  const json::value* elements = find(event, "elements");
  if (!elements || !elements->is_array()) return;
  std::string text;
  for (const json::value& element : elements->get_array()) {
    add_line(text, strict_string_at(element, "title"));
    add_line(text, strict_string_at(element, "subtitle"));
    if (const json::value* image = find(element, "image"))
      if (auto file = read_file(*image)) message.files.push_back(std::move(*file));
    const json::value* buttons = find(element, "buttons");
    if (!buttons || !buttons->is_array()) continue;
    for (const json::value& button : buttons->get_array())
      if (auto label = strict_string_at(button, "text")) add_line(text, "[" + *label + "]");
  }
  if (!text.empty()) message.text = std::move(text);
}

// `visibility` since 3.4, `recipients` before. Invariant: what is for agents never goes to a visitor; so a word that we
// do not know counts as agents, and so does a `system` event (3.6) that says nothing: nobody shows those to visitors.
std::string audience_of(const json::value& event, std::string_view type) {
  for (const char* key : {"visibility", "recipients"}) {
    const json::value* word = find(event, key);
    if (word && !word->is_null()) return word->is_string() && word->get_string() == "all" ? "all" : "agents";
  }
  return type == "system" ? "agents" : "all";
}

Author author_of(const json::value& event, std::string_view type, const std::vector<Person>& people) {
  Author author;
  author.id = string_at(event, "author_id");
  if (!author.id) {
    if (type == "system_message" || type == "system") author.role = "system";
    return author;
  }
  author.role = role_of_id(*author.id);
  for (const Person& person : people) {
    const auto& id = person.is_visitor ? person.visitor.id : person.agent.id;
    if (id != author.id) continue;
    author.name = person.is_visitor ? person.visitor.name : person.agent.name;
    if (person.is_visitor)
      author.role = "visitor";
    else if (author.role != "agent")
      author.role = "bot";  // an agent's id is an e-mail address
  }
  return author;
}

std::string kind_of(std::string_view type) {
  if (type == "message") return "message";
  if (type == "file") return "file";
  if (type == "form" || type == "filled_form") return "form";
  if (type == "rich_message") return "rich";
  if (type == "system_message" || type == "system") return "system";
  return "custom";
}

}  // namespace

void read_contact(const json::value& filled_form, Visitor& visitor) {
  const json::value* fields = find(filled_form, "fields");
  if (strict_string_at(filled_form, "type") != "filled_form" || !fields || !fields->is_array()) return;
  for (const json::value& field : fields->get_array()) {
    const auto type = strict_string_at(field, "type");
    const json::value answer = field.is_object() ? answer_of(field) : json::value(nullptr);
    if (!answer.is_string() || answer.get_string().empty()) continue;
    if (type == "name") visitor.name = std::string(answer.get_string());
    if (type == "email") visitor.email = std::string(answer.get_string());
  }
}

Message read_message(const json::value& event, const std::vector<Person>& people) {
  Message message;
  const std::string type = strict_string_at(event, "type").value_or("");
  message.id = string_at(event, "id");
  message.kind = kind_of(type);
  message.text = strict_string_at(event, "text");
  message.author = author_of(event, type, people);
  message.audience = audience_of(event, type);
  message.sent_at = meaningful_time_at(event, "created_at");
  message.client_id = string_at(event, "custom_id");
  if (message.kind == "form") message.form = read_form(event, type == "filled_form");
  if (type == "rich_message") read_rich(event, message);
  if (type == "file")
    if (auto file = read_file(event)) message.files.push_back(std::move(*file));
  return message;
}

json::object read_event_activity(const json::value& event) {
  json::object activity;
  const auto copy = [&](const char* from, const char* to) {
    const json::value* member = find(event, from);
    if (member && !member->is_null()) activity[to] = *member;
  };
  const std::string type = strict_string_at(event, "type").value_or("");
  copy("type", "event_type");
  copy("system_message_type", "system_message_type");
  copy("text_vars", "text_vars");
  copy("form_type", "form_type");
  copy("template_id", "template_id");
  copy("postback", "postback");
  copy("deleted", "deleted");
  if (type == "custom") copy("content", "content");
  if (type != "system") return activity;
  copy("source", "system_source");
  copy("subtype", "subtype");
  copy("version", "version");
  copy("details", "details");
  // `details` is JSON written into a string; what is not stays a string.
  if (const json::value* details = find(event, "details"); details && details->is_string())
    if (auto parsed = parse_json(details->get_string()); parsed.has_value()) activity["details"] = std::move(*parsed);
  return activity;
}

}  // namespace chatrelay::systems::livechat
