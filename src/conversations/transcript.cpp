// What was said, for people. Invariant 10: what a visitor typed cannot pass for another line, another author, or
// markup.
#include <algorithm>

#include "common/json.hpp"
#include "common/text.hpp"
#include "conversations/fold.hpp"

namespace chatrelay::conversations {

namespace {

// Invariant: what is for agents only, or was deleted, is not in any transcript.
bool is_visible(const store::StoredMessage& stored) {
  return !stored.deleted && stored.message.is_object() && strict_string_at(stored.message, "audience") == "all";
}

// One line without control characters: a name or a label cannot begin a line of its own.
std::string one_line(std::string_view text) {
  std::string out(truncate_utf8(text, 500));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return out;
}

std::string author_of(const Message& message) {
  if (message.author.name && !message.author.name->empty()) return one_line(*message.author.name);
  const std::string role = message.author.role.value_or("");
  if (role == "visitor") return "Visitor";
  if (role == "agent") return message.author.id ? one_line(*message.author.id) : "Agent";
  if (role == "bot") return "Bot";
  return "System";
}

std::string value_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_null()) return "";
  if (!value.is_array()) return json::serialize(value);
  std::string out;
  for (const json::value& entry : value.get_array()) out += (out.empty() ? "" : ", ") + value_text(entry);
  return out;
}

// "10:00" would do for a reader of today; a transcript is read later and elsewhere.
std::string time_of(const Message& message) {
  if (!message.sent_at) return "";
  std::string text = format_rfc3339(*message.sent_at);  // 2026-11-20T10:00:00.000Z
  text[10] = ' ';
  return text.substr(0, 16) + " UTC";
}

bool is_web_address(std::string_view url) {
  const std::string lower = to_lower_ascii(url.substr(0, 8));
  return lower.starts_with("https://") || lower.starts_with("http://");
}

std::vector<std::string> lines_of(const Message& message) {
  std::vector<std::string> lines;
  std::string_view rest = message.text ? std::string_view(*message.text) : std::string_view{};
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string line(rest.substr(0, end));
    for (char& c : line)
      if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = ' ';
    lines.push_back(std::move(line));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const FormField& field : message.form) {
    const std::string value = value_text(field.value);
    lines.push_back(one_line(field.label) + ": " + (value.empty() ? "—" : one_line(value)));
  }
  return lines;
}

std::string file_text(const File& file) {
  std::string out = "[file] " + one_line(file.name.value_or("unnamed"));
  if (file.url) out += " " + one_line(*file.url);
  return out;
}

std::string file_html(const File& file) {
  const std::string name = escape_html(one_line(file.name.value_or(file.url.value_or("unnamed"))));
  if (!file.url || !is_web_address(*file.url)) return "[file] " + name;
  return "[file] <a href=\"" + escape_html(one_line(*file.url)) + "\" rel=\"noopener noreferrer\">" + name + "</a>";
}

}  // namespace

json::value transcript(const std::vector<store::StoredMessage>& messages) {
  json::array out;
  for (const store::StoredMessage& stored : messages)
    if (is_visible(stored)) out.push_back(stored.message);
  return out;
}

// 2026-11-20 10:00 UTC  Thomas Anderson: Hello
//     a second line is indented, so that it cannot look like another author's
std::string transcript_text(const std::vector<store::StoredMessage>& messages) {
  std::string out;
  for (const store::StoredMessage& stored : messages) {
    if (!is_visible(stored)) continue;
    const Message message = message_from_json(stored.message);
    std::vector<std::string> lines = lines_of(message);
    for (const File& file : message.files) lines.push_back(file_text(file));
    if (lines.empty()) continue;
    const std::string time = time_of(message);
    out += (time.empty() ? "" : time + "  ") + author_of(message) + ":";
    for (std::size_t i = 0; i < lines.size(); ++i) out += (i == 0 ? " " : "\n    ") + lines[i];
    out += '\n';
  }
  return out;
}

std::string transcript_html(const std::vector<store::StoredMessage>& messages) {
  std::string out;
  for (const store::StoredMessage& stored : messages) {
    if (!is_visible(stored)) continue;
    const Message message = message_from_json(stored.message);
    std::string body;
    for (const std::string& line : lines_of(message)) body += (body.empty() ? "" : "<br>") + escape_html(line);
    for (const File& file : message.files) body += (body.empty() ? "" : "<br>") + file_html(file);
    if (body.empty()) continue;
    const std::string time = time_of(message);
    out += "<p><b>" + escape_html(author_of(message)) + "</b>";
    if (!time.empty()) out += " <small>" + time + "</small>";
    out += "<br>" + body + "</p>\n";
  }
  return out;
}

}  // namespace chatrelay::conversations
