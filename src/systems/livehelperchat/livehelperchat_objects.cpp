#include "systems/livehelperchat/livehelperchat_objects.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"
#include "systems/livehelperchat/livehelperchat_map.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::livehelperchat {

namespace {

constexpr std::size_t custom_max = 100;  // Limit: fields of one visitor
constexpr std::size_t files_max = 20;    // Limit: files of one message

std::optional<std::string> text_at(const json::value& object, std::string_view key) {
  const json::value* member = chatrelay::find(object, key);
  return member ? scalar_text(*member) : std::nullopt;
}

// The first of several members that says something.
std::optional<std::string> first_text(const json::value& object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (auto text = text_at(object, key)) return text;
  return std::nullopt;
}

// A number that names something: 0 and below name nothing.
std::optional<std::string> id_at(const json::value& object, std::string_view key) {
  const auto number = int_at(object, key);
  if (number) return *number > 0 ? std::optional(std::to_string(*number)) : std::nullopt;
  return text_at(object, key);
}

// Fields of the start form, and those that a site sets: a JSON text of a list.
void read_additional_data(const json::value& object, json::object& custom) {
  const auto text = strict_string_at(object, "additional_data");
  if (!text || text->empty()) return;
  const auto fields = parse_json(*text);
  if (!fields.has_value() || !fields->is_array()) return;
  for (const json::value& field : fields->get_array()) {
    const auto name = first_text(field, {"identifier", "key"});
    const json::value* value = chatrelay::find(field, "value");
    if (name && value && custom.size() < custom_max) custom[truncate_utf8(*name, 200)] = *value;
  }
}

// Row ids of visitors and of operators are counted apart; in an event both name people.
std::optional<std::string> visitor_id_of(const json::value& object) {
  const auto number = int_at(object, "online_user_id");
  return number && *number > 0 ? std::optional("online_user:" + std::to_string(*number)) : std::nullopt;
}

// --- messages

enum class Whisper { no, yes, unsure };

// `meta_msg` is a JSON text; cut off or of another shape it may hide that the message is a whisper.
Whisper whisper_of(const json::value& object) {
  const json::value* meta = nullptr;
  json::value parsed;
  if (const json::value* array = chatrelay::find(object, "meta_msg_array"); array && array->is_object()) meta = array;
  if (const json::value* told = chatrelay::find(object, "meta_msg"); !meta && told) {
    meta = told;
    if (told->is_string()) {
      if (trim(told->get_string()).empty()) return Whisper::no;
      auto document = parse_json(told->get_string());
      if (!document.has_value()) return Whisper::unsure;
      parsed = std::move(*document);
      meta = &parsed;
    }
  }
  const json::value* content = meta ? chatrelay::find(*meta, "content") : nullptr;
  const json::value* whisper = content ? chatrelay::find(*content, "whisper") : nullptr;
  if (!whisper || whisper->is_null()) return Whisper::no;
  const bool off = (whisper->is_bool() && !whisper->get_bool()) ||
                   (whisper->is_number() && int_at(*content, "whisper").value_or(1) == 0) ||
                   (whisper->is_string() && (whisper->get_string().empty() || whisper->get_string() == "0"));
  return off ? Whisper::no : Whisper::yes;
}

void read_operator(const json::value& object, std::int64_t user, Message& message) {
  message.author = Author{std::to_string(user), text_at(object, "name_support"), "agent"};
  if (whisper_of(object) != Whisper::no) message.audience = "agents";
}

// What `user_id` says: 0 the visitor, above 0 an operator, -1 the system (hidden from the visitor), -2 a bot.
void read_author(const json::value& object, Speaker speaker, Message& message) {
  if (const auto user = int_at(object, "user_id")) {
    if (*user > 0) return read_operator(object, *user, message);
    message.author = Author{};
    message.author.role = *user == 0 ? "visitor" : *user == -2 ? "bot" : "system";
    if (*user != 0) message.author.name = text_at(object, "name_support");
    if (*user == 0) return;
    if (*user != -2 || whisper_of(object) != Whisper::no) message.audience = "agents";
    if (*user != -2) message.kind = "system";
    return;
  }
  const json::value* strange = chatrelay::find(object, "user_id");
  if (strange && !strange->is_null()) speaker = Speaker::unsure;
  const bool told = message.author.role.has_value() || message.author.id.has_value();
  const json::value* audience = chatrelay::find(object, "audience");
  if (!told) message.author.role = speaker == Speaker::visitor ? "visitor" : "agent";
  if (!told && speaker == Speaker::unsure) message.author.name = text_at(object, "name_support");
  const bool from_visitor = message.author.role == "visitor";
  if ((!audience && !from_visitor) || whisper_of(object) != Whisper::no) message.audience = "agents";
}

// `{{media}}`: what Live Helper Chat says of a message's files.
void read_media(const json::value& object, Message& message) {
  const json::value* media = chatrelay::find(object, "media");
  if (!media || !media->is_array()) return;
  for (const json::value& entry : media->get_array()) {
    if (!entry.is_object()) continue;
    File file{first_text(entry, {"upload_name", "name"}), text_at(entry, "url"), text_at(entry, "type"), std::nullopt};
    if (const auto size = int_at(entry, "size"); size && *size >= 0) file.size = size;
    message.files.push_back(std::move(file));
  }
}

// "[file=616_6f13…]": an upload; only Live Helper Chat knows its name.
bool is_upload_alone(std::string_view text) {
  text = trim(text);
  return text.starts_with("[file=") && text.find(']') + 1 == text.size();
}

// Members that came as numbers where the event has text.
json::value with_text_members(json::value value, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (json::value* member = value.get_object().if_contains(key); member && member->is_number())
      *member = scalar_text(*member).value_or("");
  return value;
}

}  // namespace

const char* status_word(std::int64_t status) {
  constexpr std::array words{"queued", "active", "closed", "chatbox", "operators", "bot"};
  return status >= 0 && status < static_cast<std::int64_t>(words.size()) ? words[static_cast<std::size_t>(status)]
                                                                         : nullptr;
}

std::optional<std::string> status_of(const json::value& chat) {
  if (const auto number = int_at(chat, "status")) {
    const char* word = status_word(*number);
    return word ? std::optional<std::string>(word) : std::nullopt;
  }
  const auto word = strict_string_at(chat, "status");
  for (std::int64_t i = 0; word && status_word(i); ++i)
    if (*word == status_word(i)) return word;
  return std::nullopt;
}

std::optional<WallTime> time_of(const json::value& value) {
  if (value.is_string() && trim(value.get_string()).find('-') != std::string_view::npos)
    return meaningful_time(trim(value.get_string()));
  json::object holder;
  holder["time"] = value;
  const auto number = number_at(holder, "time");
  constexpr double seconds_max = 1e11, ms_max = 2.5e14;  // the years 5138 and 9892
  if (!number || !(*number > 0) || *number > ms_max) return std::nullopt;
  return from_ms(static_cast<long long>(*number < seconds_max ? *number * 1000 : *number));
}

std::optional<WallTime> time_of(const json::value& object, std::string_view key) {
  const json::value* member = chatrelay::find(object, key);
  return member ? time_of(*member) : std::nullopt;
}

bool is_made_up(const json::value& chat) {
  return chat.is_object() && int_at(chat, "id") == -1;
}

std::optional<Chat> read_chat(const json::value& value) {
  if (!value.is_object()) {
    const auto id = scalar_text(value);
    if (!id || *id == "0" || *id == "-1") return std::nullopt;
    Chat chat;
    chat.id = id;
    return chat;
  }
  const auto id = id_at(value, "id");
  if (!id) return std::nullopt;
  Chat chat = chat_from_json(value);
  chat.id = id;
  chat.status = status_of(value);
  chat.thread_id.reset();  // a chat may be opened again, and has no parts
  if (!chat.department) chat.department = id_at(value, "dep_id");
  if (!chat.started_at) chat.started_at = time_of(value, "time");
  if (!chat.ended_at && chat.status == "closed") chat.ended_at = time_of(value, "cls_time");
  if (const auto initiator = int_at(value, "chat_initiator")) chat.initiator = *initiator == 0 ? "client" : "trigger";
  json::object about;
  for (const char* key : {"country_code", "city"})
    if (auto text = text_at(value, key)) about[key] = *text;
  if (const auto external = first_text(value, {"chat_external_id"})) about["chat_external_id"] = *external;
  if (!about.empty()) chat.properties["livehelperchat"] = std::move(about);
  return chat;
}

std::optional<Visitor> read_visitor(const json::value& value) {
  if (!value.is_object()) {
    Visitor visitor;
    visitor.id = scalar_text(value);
    return visitor.id ? std::optional(std::move(visitor)) : std::nullopt;
  }
  if (is_made_up(value)) return std::nullopt;
  Visitor visitor = visitor_from_json(with_text_members(value, {"id", "phone"}));
  if (!visitor.id) visitor.id = visitor_id_of(value);
  if (!visitor.name) visitor.name = first_text(value, {"nick"});
  for (auto* said : {&visitor.id, &visitor.email, &visitor.phone, &visitor.ip, &visitor.name})
    if (*said && (*said)->empty()) said->reset();
  if (!visitor.phone) visitor.phone = first_text(value, {"phone"});
  if (!visitor.page.url) visitor.page.url = first_text(value, {"referrer", "current_page"});
  if (!visitor.page.title) visitor.page.title = first_text(value, {"page_title"});
  if (!visitor.page.referrer) visitor.page.referrer = first_text(value, {"session_referrer"});
  if (!visitor.language) visitor.language = first_text(value, {"chat_locale"});
  if (!visitor.timezone) visitor.timezone = first_text(value, {"user_tz_identifier"});
  if (!visitor.user_agent) visitor.user_agent = first_text(value, {"uagent"});
  read_additional_data(value, visitor.custom);
  const bool described = visitor.id || visitor.name || visitor.email || visitor.phone || visitor.ip ||
                         visitor.page.url || !visitor.custom.empty();
  return described ? std::optional(std::move(visitor)) : std::nullopt;
}

std::optional<Visitor> read_visitor_of_chat(const json::value& chat) {
  if (!chat.is_object() || is_made_up(chat)) return std::nullopt;
  json::value described = chat;
  described.get_object().erase("id");
  return read_visitor(described);
}

std::optional<Agent> read_agent(const json::value& value) {
  Agent agent;
  if (!value.is_object()) {
    agent.id = scalar_text(value);
    if (agent.id == "0") agent.id.reset();
  } else {
    agent.id = id_at(value, "id");
    agent.name = first_text(value, {"name_support", "chat_nickname", "name_official", "name", "username"});
    agent.email = first_text(value, {"email"});
  }
  return agent.id ? std::optional(std::move(agent)) : std::nullopt;
}

std::optional<Message> read_message(const json::value& value, Speaker speaker) {
  Message message;
  const json::value nothing = json::object();
  const json::value& object = value.is_object() ? value : nothing;
  if (value.is_object())
    message = message_from_json(with_text_members(value, {"id", "text", "client_id"}));
  else
    message.text = scalar_text(value);
  if (const auto id = int_at(object, "id"); id && *id <= 0) message.id.reset();
  if (message.id && message.id->empty()) message.id.reset();
  if (!message.text) message.text = text_at(object, "msg");
  if (message.audience != "all") message.audience = "agents";
  read_author(object, speaker, message);
  if (!message.sent_at) message.sent_at = time_of(object, "time");
  read_media(object, message);
  if (message.files.size() > files_max) message.files.resize(files_max);
  if (!message.id && (!message.text || message.text->empty()) && message.files.empty()) return std::nullopt;
  const bool upload = message.text && is_upload_alone(*message.text);
  if (message.kind == "message" && (upload || !message.files.empty())) message.kind = "file";
  return message;
}

}  // namespace chatrelay::systems::livehelperchat
