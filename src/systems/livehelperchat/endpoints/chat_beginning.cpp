// Beginning chats: startchat (a form) and POST chat (JSON, or a form alike).
#include <utility>

#include "common/json.hpp"
#include "common/text.hpp"
#include "http/address.hpp"
#include "systems/livehelperchat/endpoints/chat_handlers.hpp"
#include "systems/livehelperchat/endpoints/tracking_visitor.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t short_characters_max = 100;  // nick, e-mail and phone, as in Live Helper Chat
constexpr std::size_t imported_max = 500;          // Limit: messages that a chat begins with

// What both calls say, from wherever they say it.
struct Beginning {
  json::object errors;  // field -> text
  std::string vid;
  std::optional<std::string> nick, email, phone, ip, referrer, question;
  std::optional<std::int64_t> department, agent;
  bool proactive = false;
  json::object columns;
  json::value attributes;
  std::vector<conversations::StartRoom::Line> lines;
};

std::optional<std::string> text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (!value || value->is_null() || value->is_structured()) return std::nullopt;
  if (value->is_string()) return repair_utf8(value->get_string());
  if (value->is_bool()) return std::string(value->get_bool() ? "1" : "");
  return json::serialize(*value);
}

std::optional<std::string> first(const json::object& object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (std::optional<std::string> text = text_at(object, key); text && !text->empty()) return text;
  return std::nullopt;
}

std::optional<std::int64_t> positive(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const std::int64_t number = Ask::integer(*text);
  return number > 0 ? std::optional(number) : std::nullopt;
}

// The fields of the start form, which both calls have.
void read_form(const json::object& fields, Beginning& beginning) {
  beginning.nick = first(fields, {"Username", "nick"});
  beginning.email = first(fields, {"Email", "email"});
  beginning.phone = first(fields, {"Phone", "phone"});
  beginning.question = first(fields, {"Question"});
  beginning.ip = first(fields, {"ip"});
  beginning.department = positive(first(fields, {"DepartamentID"}));
  beginning.agent = positive(first(fields, {"operator"}));
  if (const auto page = first(fields, {"URLRefer"})) beginning.columns["referrer"] = *page;
  if (const auto from = first(fields, {"r"})) beginning.columns["session_referrer"] = *from;
  if (const auto zone = first(fields, {"user_timezone"})) beginning.columns["user_tz_identifier"] = *zone;
  if (const auto number = positive(first(fields, {"priority"}))) beginning.columns["priority"] = *number;
  if (const auto number = positive(first(fields, {"bot_id"}))) beginning.columns["gbot_id"] = *number;
}

void add(json::object& columns, const json::object& more) {
  for (const auto& member : more) columns.insert_or_assign(member.key(), member.value());
}

// What is too long is said, not cut; a department must be one that is open and the account's.
void check(Api& api, const Ask& ask, Beginning& beginning) {
  const auto too_long = [](const std::optional<std::string>& text, std::size_t max) {
    return text && character_count(*text) > max;
  };
  if (too_long(beginning.nick, short_characters_max))
    beginning.errors["nick"] = beginning.errors["username"] = "Maximum 100 characters for a name";
  if (too_long(beginning.phone, short_characters_max)) beginning.errors["phone"] = "Maximum 100 characters for a phone";
  const bool bad_email = beginning.email && (beginning.email->find('@') == std::string::npos ||
                                             beginning.email->find_first_of(" \t\r\n<>") != std::string::npos);
  if (bad_email || too_long(beginning.email, short_characters_max))
    beginning.errors["email"] = "Please enter a valid email address";
  const auto max = static_cast<std::size_t>(api.serving().message_length_max);
  if (too_long(beginning.question, max))
    beginning.errors["question"] = "Please enter a message, max characters - " + std::to_string(max);
  if (!beginning.department) return;
  const Department* department = api.serving().department(*beginning.department);
  const bool is_known = department || api.serving().departments.empty();
  if (!is_known || (department && department->disabled) || !ask.account->sees(*beginning.department))
    beginning.errors["department"] = "Please choose a department";
}

conversations::StartRoom::Line line_of(Author author, std::string text) {
  conversations::StartRoom::Line line;
  line.new_id = new_id();
  line.text = std::move(text);
  if (author.role == "system") line.audience = "agents";
  line.author = std::move(author);
  return line;
}

conversations::StartRoom command_of(Api& api, const Ask& ask, Beginning beginning) {
  conversations::StartRoom command;
  command.call = api.call(ask);
  command.guest = guest_of(ask, is_usable_vid(beginning.vid) ? beginning.vid : new_vid());
  if (beginning.ip)
    if (const auto address = http::parse_address(trim(*beginning.ip))) command.guest.ip = address->to_string();
  command.guest.name = beginning.nick;
  command.guest.email = beginning.email;
  command.guest.phone = beginning.phone;
  for (auto& [name, value] : attributes_of(beginning.attributes))
    command.guest.custom.push_back({std::move(name), json::value(value), true});
  command.new_id = new_id();
  command.new_message_id = new_id();
  command.invitation_id = new_id();
  command.key = new_chat_hash();
  command.status = "queued";
  command.initiator = beginning.proactive ? "operator" : "client";
  command.takes_invitation = beginning.proactive;
  if (beginning.department) command.department = std::to_string(*beginning.department);
  if (beginning.agent) command.agent = Agent{std::to_string(*beginning.agent), std::nullopt, std::nullopt};
  if (const auto data = additional_data(beginning.attributes, ""); data && *data != "[]")
    beginning.columns["additional_data"] = *data;
  command.hidden = chat_columns(beginning.columns);
  command.lines = std::move(beginning.lines);
  if (beginning.question && !trim(*beginning.question).empty())
    command.lines.push_back(line_of(author_of(visitor_kind, ""), std::move(*beginning.question)));
  return command;
}

// --- startchat

Beginning read_start(const Ask& ask) {
  Beginning beginning;
  read_form(ask.fields, beginning);
  beginning.vid = ask.unordered("vid").value_or("");
  const auto from_url = [&](std::string_view name) { return positive(ask.unordered(name)); };
  if (!beginning.department) beginning.department = from_url("department");
  if (!beginning.agent) beginning.agent = from_url("operator");
  if (const auto number = from_url("priority")) beginning.columns["priority"] = *number;
  if (const auto number = from_url("theme")) beginning.columns["theme_id"] = *number;
  beginning.proactive = first(ask.fields, {"proactive"}).value_or("0") != "0";
  if (const auto data = first(ask.fields, {"data"})) {
    if (Result<json::value> parsed = parse_json(*data)) beginning.attributes = std::move(*parsed);
  } else if (const json::value* given = ask.fields.if_contains("data")) {
    beginning.attributes = *given;
  }
  return beginning;
}

// --- POST chat

// A text that holds JSON; the JSON itself is as good.
std::string meta_at(const json::object& record) {
  const json::value* said = record.if_contains("meta_msg");
  return said && said->is_structured() ? json::serialize(*said) : text_at(record, "meta_msg").value_or("");
}

void read_messages(Api& api, const json::array& messages, Beginning& beginning) {
  const auto max = static_cast<std::size_t>(api.serving().message_length_max);
  for (const json::value& each : messages) {
    const json::object* record = each.if_object();
    std::optional<std::string> text = record ? text_at(*record, "msg") : std::nullopt;
    if (!text || trim(*text).empty()) continue;
    if (beginning.lines.size() >= imported_max || character_count(*text) > max) {
      beginning.errors["messages"] = beginning.lines.size() >= imported_max
                                         ? "Maximum " + std::to_string(imported_max) + " messages"
                                         : "Please enter a message, max characters - " + std::to_string(max);
      return;
    }
    const std::int64_t user = Ask::integer(text_at(*record, "user_id").value_or("0"));
    auto line = line_of(author_of(user, text_at(*record, "name_support").value_or("")), std::move(*text));
    if (const std::string meta = meta_at(*record); meta.size() > meta_bytes_max) {
      beginning.errors["messages"] = "meta_msg is too long";
      return;
    } else if (!meta.empty()) {
      line.hidden["meta_msg"] = meta;
      if (line.author.role == "agent" && is_whisper(meta)) line.audience = "agents";
    }
    if (const auto time = positive(text_at(*record, "time"))) line.hidden["time"] = *time;
    beginning.lines.push_back(std::move(line));
  }
}

Beginning read_post(Api& api, const Ask& ask) {
  Beginning beginning;
  const auto object_at = [&](std::string_view key) -> const json::object* {
    const json::value* value = ask.fields.if_contains(key);
    return value ? value->if_object() : nullptr;
  };
  if (const json::object* fields = object_at("fields")) read_form(*fields, beginning);
  beginning.vid = text_at(ask.fields, "vid").value_or("");
  if (const json::value* department = ask.fields.if_contains("department")) {
    const bool is_list = department->is_array() && !department->get_array().empty();
    const json::object wrapped{{"id", is_list ? department->get_array().front() : *department}};
    if (const auto number = positive(text_at(wrapped, "id"))) beginning.department = number;
  }
  for (const char* key : {"theme", "invitation_id"})
    if (const auto number = positive(text_at(ask.fields, key)))
      beginning.columns[key[0] == 't' ? "theme_id" : key] = *number;
  if (const json::value* variables = ask.fields.if_contains("chat_variables"))
    beginning.columns["chat_variables"] = *variables;
  if (const json::value* data = ask.fields.if_contains("additional_data")) beginning.attributes = *data;
  if (const json::object* main = object_at("main_attr")) {
    add(beginning.columns, *main);
    const auto take = [&](std::optional<std::string>& to, std::string_view key) {
      if (auto text = text_at(*main, key); text && !text->empty()) to = std::move(text);
    };
    take(beginning.nick, "nick");
    take(beginning.email, "email");
    take(beginning.phone, "phone");
    take(beginning.ip, "ip");
    if (const auto number = positive(text_at(*main, "dep_id"))) beginning.department = number;
    if (const auto number = positive(text_at(*main, "user_id"))) beginning.agent = number;
  }
  if (const json::value* messages = ask.fields.if_contains("messages"); messages && messages->is_array())
    read_messages(api, messages->get_array(), beginning);
  return beginning;
}

// main_attr.status: an open one; a chat is closed by who has begun it.
void take_status(const Ask& ask, conversations::StartRoom& command) {
  const json::value body(ask.fields);
  const json::value* said = find_path(body, {"main_attr", "status"});
  const std::optional<std::int64_t> number = said ? int_at(*find(body, "main_attr"), "status") : std::nullopt;
  const std::optional<std::string> name = number ? status_name(*number) : std::nullopt;
  if (name && *name != "closed") command.status = *name;
}

}  // namespace

awaitable<Reply> start_chat(Api& api, Ask& ask) {
  Beginning beginning = read_start(ask);
  check(api, ask, beginning);
  if (!beginning.errors.empty()) co_return failed(ask.shape(), beginning.errors);
  conversations::StartRoom command = command_of(api, ask, std::move(beginning));
  auto pending = api.run(std::move(command), &conversations::start_room);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  const conversations::OpenedRoom& opened = *answer->value;
  json::object result;
  result["chat"] = chat_record(opened.room, opened.visitor, user_of(api), ChatShape::state);
  co_return done(std::move(result));
}

awaitable<Reply> post_chat(Api& api, Ask& ask) {
  if (!ask.may(use_permission)) co_return not_permitted(ask.shape(), use_permission);
  Beginning beginning = read_post(api, ask);
  check(api, ask, beginning);
  if (!beginning.errors.empty()) co_return failed(ask.shape(), beginning.errors);
  conversations::StartRoom command = command_of(api, ask, std::move(beginning));
  take_status(ask, command);
  auto pending = api.run(std::move(command), &conversations::start_room);
  const auto answer = co_await std::move(pending);
  if (!answer) co_return broken(ask.shape(), answer.error());
  if (!*answer) co_return refused(ask.shape(), answer->refusal);
  const conversations::OpenedRoom& opened = *answer->value;
  co_return done(chat_record(opened.room, opened.visitor, user_of(api), ChatShape::record));
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
