#include "systems/rocketchat/rocketchat_objects.hpp"

#include "systems/receiving.hpp"

namespace chatrelay::systems::rocketchat {

namespace {

// An e-mail address or a phone number: a string, {key: string}, or a list of either, of which the first that says
// something counts.
std::optional<std::string> contact_of(const json::value& person, const char* member, const char* key) {
  const json::value* found = find(person, member);
  if (!found) return std::nullopt;
  if (found->is_array()) {
    for (const json::value& entry : found->get_array()) {
      if (entry.is_string() && !entry.get_string().empty()) return std::string(entry.get_string());
      if (auto text = text_of(entry, key)) return text;
    }
    return std::nullopt;
  }
  return found->is_object() ? text_of(*found, key) : text_of(person, member);
}

// Two words of Rocket.Chat's own about the browser; it does not pass on the header itself.
std::optional<std::string> user_agent_of(const json::value& visitor) {
  const auto browser = text_of(visitor, "browser"), os = text_of(visitor, "os");
  if (!browser) return os;
  return os ? *browser + " / " + *os : *browser;
}

// "rocket.cat" is the bot that every Rocket.Chat has; other bots cannot be told from agents.
Author author_of(const json::value& message, const Cast& cast) {
  Author author;
  const json::value* user = find(message, "u");
  const auto username = text_of(message, "username");
  const auto agent_id = text_of(message, "agentId");
  const auto user_id = user ? text_of(*user, "_id") : std::nullopt;
  const bool by_agent = agent_id || (user_id && user_id == cast.agent.id && user_id != cast.visitor.id);
  const std::optional<std::string> name = user ? text_of(*user, "name") : std::nullopt;
  if (!by_agent) {
    author.id = cast.visitor.id ? cast.visitor.id : user_id;
    author.role = "visitor";
    author.name = cast.visitor.name ? cast.visitor.name : name ? name : username;
    return author;
  }
  author.id = agent_id ? agent_id : user_id;
  author.role = author.id == "rocket.cat" ? "bot" : "agent";
  const bool serving = author.id == cast.agent.id || (username && *username == cast.agent_username);
  author.name = serving && cast.agent.name ? cast.agent.name : name ? name : username;
  return author;
}

std::optional<std::string> link_of(const json::value& attachment) {
  for (const char* key : {"title_link", "image_url", "audio_url", "video_url"})
    if (auto link = text_of(attachment, key)) return link;
  return std::nullopt;
}

std::optional<std::string> content_type_of(const json::value& attachment) {
  for (const char* key : {"image_type", "audio_type", "video_type"})
    if (auto type = text_of(attachment, key)) return type;
  return std::nullopt;
}

std::optional<std::int64_t> size_of(const json::value& object) {
  for (const char* key : {"size", "image_size", "audio_size", "video_size"})
    if (const auto size = int_at(object, key); size && *size >= 0) return size;
  return std::nullopt;
}

File read_attached(const json::value& attachment) {
  return File{text_of(attachment, "title"), link_of(attachment), content_type_of(attachment), size_of(attachment)};
}

// Three places tell of an upload: `file` its name, `fileUpload` where it can be fetched, the first attachment how it is
// shown. What the first of them does not say the next one may.
std::optional<File> read_upload(const json::value& message, const json::value* attachment) {
  const json::value nothing = nullptr;
  const json::value* file = find(message, "file");
  const json::value* upload = find(message, "fileUpload");
  const bool has_file = file && file->is_object() && !file->get_object().empty();
  const bool has_upload = upload && upload->is_object() && !upload->get_object().empty();
  if (!has_file && !has_upload) return std::nullopt;
  File out = attachment ? read_attached(*attachment) : File{};
  const json::value& named = has_file ? *file : nothing;
  const json::value& fetched = has_upload ? *upload : nothing;
  if (auto name = text_of(named, "name")) out.name = name;
  if (auto url = text_of(fetched, "publicFilePath")) out.url = url;
  for (const json::value* said : {&named, &fetched}) {
    if (auto type = text_of(*said, "type")) out.content_type = type;
    if (auto size = size_of(*said)) out.size = size;
  }
  return out;
}

void read_files(const json::value& message, Message& out) {
  constexpr std::size_t files_max = 20;  // Limit: attachments of one message; Rocket.Chat's own clients send one
  const json::value* list = find(message, "attachments");
  const json::array none;
  const json::array& attachments = list && list->is_array() ? list->get_array() : none;
  auto upload = read_upload(message, attachments.empty() ? nullptr : &attachments.front());
  const bool first_is_upload = upload.has_value();
  if (upload) out.files.push_back(std::move(*upload));
  const bool said_nothing = !out.text || out.text->empty();
  bool is_first = true, shown = false;
  for (const json::value& attachment : attachments) {
    const bool skipped = is_first && first_is_upload;
    is_first = false;
    if (!attachment.is_object()) continue;
    shown = true;
    if (!skipped && link_of(attachment) && out.files.size() < files_max) out.files.push_back(read_attached(attachment));
    if (out.text && !out.text->empty()) continue;
    out.text = text_of(attachment, "description");
    if (!out.text) out.text = text_of(attachment, "text");
  }
  if (!out.files.empty())
    out.kind = "file";
  else if (shown && said_nothing)  // else a quotation beside what was said
    out.kind = "rich";
}

}  // namespace

std::optional<WallTime> time_of(const json::value& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (!value) return std::nullopt;
  if (value->is_object()) return time_of(*value, "$date");
  if (value->is_string()) return meaningful_time(value->get_string());
  // Limit: the year 9999, beyond which RFC 3339 has no words.
  constexpr std::int64_t latest_ms = 253'402'300'799'999;
  const auto ms = value->is_number() ? int_at(object, key) : std::nullopt;
  if (!ms || *ms <= 0 || *ms > latest_ms) return std::nullopt;
  return from_ms(*ms);
}

std::optional<std::string> text_of(const json::value& object, std::string_view key) {
  auto text = string_at(object, key);
  if (text && text->empty()) text.reset();
  return text;
}

Visitor read_visitor(const json::value& object) {
  Visitor visitor;
  visitor.id = text_of(object, "_id");
  visitor.name = text_of(object, "name");
  visitor.email = contact_of(object, "email", "address");
  visitor.phone = contact_of(object, "phone", "phoneNumber");
  visitor.ip = text_of(object, "ip");
  visitor.user_agent = user_agent_of(object);
  if (const json::value* fields = find(object, "customFields"); fields && fields->is_object())
    visitor.custom = fields->get_object();
  return visitor;
}

Agent read_agent(const json::value& object) {
  Agent agent;
  agent.id = text_of(object, "_id");
  agent.name = text_of(object, "name");
  if (!agent.name) agent.name = text_of(object, "username");
  agent.email = contact_of(object, "email", "address");
  return agent;
}

Cast read_cast(const json::value& body) {
  Cast cast;
  if (const json::value* visitor = find(body, "visitor")) {
    cast.visitor = read_visitor(*visitor);
    cast.visitor_username = text_of(*visitor, "username").value_or("");
  }
  for (const char* key : {"agent", "servedBy"}) {
    const json::value* agent = find(body, key);
    if (!agent || cast.agent.id) continue;
    cast.agent = read_agent(*agent);
    cast.agent_username = text_of(*agent, "username").value_or("");
  }
  return cast;
}

bool is_navigation(const json::value& message) {
  const json::value* navigation = find(message, "navigation");
  return navigation && navigation->is_object();
}

Page read_page(const json::value& message) {
  Page page;
  const json::value* told = find_path(message, {"navigation", "page"});
  if (!told) return page;
  page.title = text_of(*told, "title");
  page.referrer = text_of(*told, "referrer");
  const json::value* location = find(*told, "location");
  page.url = location && location->is_object() ? text_of(*location, "href") : text_of(*told, "location");
  if (!page.url) page.url = text_of(*told, "href");
  return page;
}

Message read_message(const json::value& object, const Cast& cast) {
  Message message;
  message.id = text_of(object, "_id");
  message.text = strict_string_at(object, "msg");
  message.author = author_of(object, cast);
  message.sent_at = time_of(object, "ts");
  message.edited_at = time_of(object, "editedAt");
  read_files(object, message);
  // What somebody wrote when they closed the chat, or "Chat closed by visitor": the system says it, in their name.
  if (bool_at(object, "closingMessage").value_or(false) || is_navigation(object)) {
    message.kind = "system";
    message.author.id.reset();
    message.author.role = "system";
  }
  return message;
}

}  // namespace chatrelay::systems::rocketchat
