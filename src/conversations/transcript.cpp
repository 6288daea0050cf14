#include "conversations/transcript.hpp"

#include <algorithm>
#include <cstdio>

#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay::conversations {

namespace {

constexpr std::size_t name_bytes_max = 500;  // Limit: of a name, a label, an answer, an address in a line
constexpr std::size_t parts_max = 100;       // Limit: files, and form fields, of one message
constexpr std::string_view indent = "\n    ";

// One message as both formats need it.
struct Entry {
  std::string time;    // empty: not known
  std::string author;  // empty: not known, of a deleted one
  bool deleted = false, edited = false, for_agents = false;
  std::vector<std::string> lines;  // without line breaks
  std::vector<File> files;
};

// Invariant: a word for the audience that we do not know counts as agents.
bool is_for_agents(const store::StoredMessage& stored) {
  return strict_string_at(stored.message, "audience") != "all";
}

bool is_shown(const store::StoredMessage& stored, const TranscriptOptions& options) {
  return stored.message.is_object() && (options.agents_too || !is_for_agents(stored));
}

// Unicode's own line breaks (NEL, LINE SEPARATOR, PARAGRAPH SEPARATOR) as the one that everybody knows.
std::string with_plain_breaks(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\xC2\x85")) {
      out += '\n', i += 1;
    } else if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) {
      out += '\n', i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// One line without control characters: a name or a label cannot begin a line of its own.
std::string one_line(std::string_view text) {
  std::string out = with_plain_breaks(truncate_utf8(text, name_bytes_max));
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

std::string bounded(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  return std::string(truncate_utf8(text, bytes_max)) + "…";
}

std::size_t text_limit(const TranscriptOptions& options) {
  return std::min(options.text_bytes_max, options.bytes_max);
}

void add_lines(std::vector<std::string>& lines, std::string_view text) {
  const std::string plain = with_plain_breaks(text);
  std::string_view rest = plain;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string line(rest.substr(0, end));
    for (char& c : line)
      if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = ' ';
    lines.push_back(std::move(line));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::vector<std::string> lines_of(const Message& message, const TranscriptOptions& options) {
  std::vector<std::string> lines;
  if (message.text) add_lines(lines, bounded(*message.text, text_limit(options)));
  for (std::size_t i = 0; i < std::min(message.form.size(), parts_max); ++i) {
    const std::string value = value_text(message.form[i].value);
    lines.push_back(one_line(message.form[i].label) + ": " + (value.empty() ? "—" : one_line(value)));
  }
  return lines;
}

// nullopt: there is nothing to show.
std::optional<Entry> entry_of(const store::StoredMessage& stored, const TranscriptOptions& options) {
  if (!is_shown(stored, options)) return std::nullopt;
  const Message message = message_from_json(stored.message);
  Entry entry;
  entry.deleted = stored.deleted;
  entry.for_agents = is_for_agents(stored);
  if (message.sent_at) entry.time = options.zone.minute_text(*message.sent_at);
  const bool named = message.author.name || message.author.role || message.author.id;
  if (named || !stored.deleted) entry.author = author_of(message);
  if (stored.deleted) return entry;
  entry.edited = message.edited_at || stored.changed_by != 0;
  entry.lines = lines_of(message, options);
  entry.files = message.files;
  if (entry.files.size() > parts_max) entry.files.resize(parts_max);
  if (entry.lines.empty() && entry.files.empty()) return std::nullopt;
  return entry;
}

std::string marks_of(const Entry& entry) {
  std::string marks;
  if (entry.for_agents) marks += " (to agents only)";
  if (entry.edited) marks += " (edited)";
  return marks;
}

// --- text

std::string file_text(const File& file) {
  std::string out = "[file] " + one_line(file.name.value_or("unnamed"));
  if (file.url) out += " " + one_line(*file.url);
  return out;
}

std::string entry_text(const Entry& entry) {
  std::string out = entry.time.empty() ? "" : entry.time + "  ";
  if (entry.deleted && entry.author.empty()) return out + "(a message was deleted)\n";
  out += entry.author + marks_of(entry);
  if (entry.deleted) return out + " (deleted)\n";
  out += ":";
  std::vector<std::string> lines = entry.lines;
  for (const File& file : entry.files) lines.push_back(file_text(file));
  for (std::size_t i = 0; i < lines.size(); ++i) out.append(i == 0 ? " " : indent).append(lines[i]);
  return out + '\n';
}

// --- HTML

bool is_web_address(std::string_view url) {
  const std::string lower = to_lower_ascii(url.substr(0, 8));
  return lower.starts_with("https://") || lower.starts_with("http://");
}

std::string file_html(const File& file) {
  const std::string name = escape_html(one_line(file.name.value_or(file.url.value_or("unnamed"))));
  if (!file.url || !is_web_address(*file.url)) return "[file] " + name;
  return "[file] <a href=\"" + escape_html(one_line(*file.url)) + "\" rel=\"noopener noreferrer\">" + name + "</a>";
}

std::string entry_html(const Entry& entry) {
  std::string out = "<p>";
  const std::string time = entry.time.empty() ? "" : " <small>" + entry.time + "</small>";
  if (entry.deleted && entry.author.empty()) return out + "<i>a message was deleted</i>" + time + "</p>\n";
  out += "<b>" + escape_html(entry.author) + "</b>";
  if (const std::string marks = marks_of(entry); !marks.empty()) out += "<i>" + marks + "</i>";
  out += time;
  if (entry.deleted) return out + "<br><i>deleted</i></p>\n";
  for (const std::string& line : entry.lines) out += "<br>" + escape_html(line);
  for (const File& file : entry.files) out += "<br>" + file_html(file);
  return out + "</p>\n";
}

// --- what stands around the messages

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return text;
}

// "4 of 5"; of a thumb "good" or "bad"; empty: there is no score.
std::string score_text(const Rating& rating) {
  if (!rating.score) return {};
  if (rating.scale == 1.0) return *rating.score > 0 ? "good" : "bad";
  return number_text(*rating.score) + (rating.scale ? " of " + number_text(*rating.scale) : "");
}

std::vector<std::string> rating_lines(const TranscriptOptions& options) {
  std::vector<std::string> lines;
  if (!options.rating) return lines;
  const std::string score = score_text(*options.rating);
  const std::string comment = bounded(options.rating->comment.value_or(""), text_limit(options));
  if (score.empty() && comment.empty()) return lines;
  lines.push_back(score.empty() ? "—" : score);
  add_lines(lines, comment);
  return lines;
}

std::string left_out_text(std::size_t count) {
  return "(" + std::to_string(count) + (count == 1 ? " earlier message is" : " earlier messages are") + " left out)";
}

// The newest that fit, in their order. `left_out`: how many do not.
template <class Part, class Make, class Size>
std::vector<Part> newest(const std::vector<store::StoredMessage>& messages, std::size_t bytes_max, Make make, Size size,
                         std::size_t& left_out) {
  std::vector<Part> kept;
  std::size_t bytes = 0;
  left_out = 0;
  for (auto stored = messages.rbegin(); stored != messages.rend(); ++stored) {
    std::optional<Part> part = make(*stored);
    if (!part) continue;
    if (left_out == 0) bytes += size(*part);
    if (left_out > 0 || (bytes > bytes_max && !kept.empty()))
      ++left_out;
    else
      kept.push_back(std::move(*part));
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

json::value local_time(const std::optional<WallTime>& at, const Zone& zone) {
  return at ? json::value(zone.rfc3339(*at)) : json::value(nullptr);
}

std::optional<json::value> json_of(const store::StoredMessage& stored, const TranscriptOptions& options) {
  if (!is_shown(stored, options)) return std::nullopt;
  json::value out = stored.message;
  json::object& message = out.get_object();
  message["deleted"] = stored.deleted;
  message["sent_at_local"] = local_time(time_at(out, "sent_at"), options.zone);
  message["edited_at_local"] = local_time(time_at(out, "edited_at"), options.zone);
  if (json::value* text = message.if_contains("text"); text && text->is_string())
    *text = bounded(text->get_string(), text_limit(options));
  if (!stored.deleted) return out;
  message["text"] = nullptr;
  message["files"] = json::array{};
  message["form"] = json::array{};
  return out;
}

template <class Show>
std::vector<std::string> shown(const std::vector<store::StoredMessage>& messages, const TranscriptOptions& options,
                               Show show, std::size_t& left_out) {
  return newest<std::string>(
      messages, options.bytes_max,
      [&](const store::StoredMessage& stored) -> std::optional<std::string> {
        const std::optional<Entry> entry = entry_of(stored, options);
        return entry ? std::optional(show(*entry)) : std::nullopt;
      },
      [](const std::string& text) { return text.size(); }, left_out);
}

}  // namespace

json::value transcript(const std::vector<store::StoredMessage>& messages, const TranscriptOptions& options) {
  std::size_t left_out = 0;
  std::vector<json::value> kept = newest<json::value>(
      messages, options.bytes_max, [&](const store::StoredMessage& stored) { return json_of(stored, options); },
      [](const json::value& message) { return json::serialize(message).size(); }, left_out);
  json::array out;
  for (json::value& message : kept) out.push_back(std::move(message));
  return out;
}

std::string transcript_text(const std::vector<store::StoredMessage>& messages, const TranscriptOptions& options) {
  std::size_t left_out = 0;
  std::string out;
  for (const std::string& entry : shown(messages, options, entry_text, left_out)) out += entry;
  if (left_out > 0) out.insert(0, left_out_text(left_out) + "\n");
  const std::vector<std::string> rating = rating_lines(options);
  if (!rating.empty()) out += out.empty() ? "Rating:" : "\nRating:";
  for (std::size_t i = 0; i < rating.size(); ++i) out.append(i == 0 ? " " : indent).append(rating[i]);
  if (!rating.empty()) out += '\n';
  return out;
}

std::string transcript_html(const std::vector<store::StoredMessage>& messages, const TranscriptOptions& options) {
  std::size_t left_out = 0;
  std::string out;
  for (const std::string& entry : shown(messages, options, entry_html, left_out)) out += entry;
  if (left_out > 0) out.insert(0, "<p><i>" + left_out_text(left_out) + "</i></p>\n");
  const std::vector<std::string> rating = rating_lines(options);
  if (!rating.empty()) out += "<p><b>Rating</b>";
  for (const std::string& line : rating) out += "<br>" + escape_html(line);
  if (!rating.empty()) out += "</p>\n";
  return out;
}

json::value transcript_in(TranscriptForm form, const std::vector<store::StoredMessage>& messages,
                          const TranscriptOptions& options) {
  switch (form) {
    case TranscriptForm::text:
      return json::value(json::string(transcript_text(messages, options)));
    case TranscriptForm::html:
      return json::value(json::string(transcript_html(messages, options)));
    case TranscriptForm::messages:
      break;
  }
  return transcript(messages, options);
}

}  // namespace chatrelay::conversations
