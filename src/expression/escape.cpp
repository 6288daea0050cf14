#include "expression/escape.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"

namespace chatrelay::expression {
namespace {

constexpr std::array<std::pair<Escape, std::string_view>, 10> names{{
    {Escape::none, "none"},
    {Escape::url, "url"},
    {Escape::html, "html"},
    {Escape::slack_mrkdwn, "slack_mrkdwn"},
    {Escape::telegram_markdown, "telegram_markdown"},
    {Escape::telegram_html, "telegram_html"},
    {Escape::markdown, "markdown"},
    {Escape::teams_markdown, "teams_markdown"},
    {Escape::matrix_html, "matrix_html"},
    {Escape::zero_width, "zero_width"},
}};

// A character nobody sees, which parts what must not be read as one word.
constexpr std::string_view zero_width_space = "\xe2\x80\x8b";

bool is_word(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || u >= 0x80;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string with_backslashes(std::string_view text, std::string_view special) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// & < > and, where asked for, the double quote.
std::string entities(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"' && quotes) {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

// Does a mention begin at this @? An address (eve@example.com) keeps its shape, but Discord sees @everyone anywhere.
bool mentions(std::string_view text, std::size_t at) {
  if (at == 0 || !is_word(text[at - 1])) return true;
  for (const std::string_view group : {"everyone", "here", "all", "channel", "room"})
    if (iequals_ascii(text.substr(at + 1, group.size()), group)) return true;
  return false;
}

// Does a bracket that means something begin before this? Discord's <#1>, <:x:1>, </x:1>, <t:1>, Mattermost's <!here>
// and <address|words>; <@1> is parted at its @.
bool opens_bracket(std::string_view after) {
  if (after.empty()) return false;
  return (is_word(after.front()) && !is_digit(after.front())) ||
         std::string_view("!#:/").find(after.front()) != std::string_view::npos;
}

// Headings, quotes, lists and rules begin with these, at the beginning of a line alone.
bool opens_block(std::string_view line) {
  if (line.empty()) return false;
  if (std::string_view("#>+-=").find(line.front()) != std::string_view::npos) return true;
  return false;
}

// "1." and "1)" are lists too: where its mark stands, npos if the line begins with none.
std::size_t number_mark(std::string_view line) {
  std::size_t digits = 0;
  while (digits < line.size() && is_digit(line[digits])) ++digits;
  const bool mark = digits > 0 && digits < line.size() && (line[digits] == '.' || line[digits] == ')');
  return mark ? digits : std::string_view::npos;
}

// snake_case, and addresses: there it is no mark, and a backslash would break the link.
bool is_within_word(std::string_view text, std::size_t at) {
  const auto is_alphanumeric = [&](std::size_t i) {
    return is_word(text[i]) && text[i] != '_' && (text[i] & 0x80) == 0;
  };
  return at > 0 && at + 1 < text.size() && is_alphanumeric(at - 1) && is_alphanumeric(at + 1);
}

// One walk for both kinds of Markdown. `entities`: & < > become entities, where the service reads HTML's.
std::string markdown(std::string_view text, std::string_view special, bool html_entities) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  // Commands (/me, /poll, !block) begin a message.
  if (!text.empty() && (text.front() == '/' || text.front() == '!')) out += zero_width_space;
  bool line_start = true;
  std::size_t mark = std::string_view::npos;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (line_start && c != ' ' && c != '\t') {
      line_start = false;
      const std::size_t digits = number_mark(text.substr(i));
      mark = digits == std::string_view::npos ? digits : i + digits;
      if (opens_block(text.substr(i, 1)) && !(html_entities && c == '>')) out += '\\';
    }
    const bool marks = special.find(c) != std::string_view::npos && !(c == '_' && is_within_word(text, i));
    if (i == mark || marks) out += '\\';
    if (html_entities && (c == '&' || c == '<' || c == '>')) {
      out += entities(text.substr(i, 1), false);
    } else {
      out += c;
    }
    if (c == '@' && mentions(text, i)) out += zero_width_space;
    if (c == '<' && !html_entities && opens_bracket(text.substr(i + 1))) out += zero_width_space;
    if (c == '\n' || c == '\r') line_start = true;
  }
  return out;
}

std::string parted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (std::string_view("*_~`<[@!#").find(c) != std::string_view::npos) out += zero_width_space;
  }
  return out;
}

std::string with_breaks(std::string_view text) {
  std::string out;
  const std::string html = escape_html(text);
  for (std::size_t i = 0; i < html.size(); ++i) {
    if (html[i] == '\r' && i + 1 < html.size() && html[i + 1] == '\n') continue;
    if (html[i] == '\n' || html[i] == '\r') {
      out += "<br>";
    } else {
      out += html[i];
    }
  }
  return out;
}

}  // namespace

std::string_view to_string(Escape escape) {
  for (const auto& [value, name] : names)
    if (value == escape) return name;
  return "none";
}

std::optional<Escape> escape_from(std::string_view name) {
  for (const auto& [value, known] : names)
    if (known == name) return value;
  return std::nullopt;
}

std::string escaped(std::string_view text, Escape escape) {
  switch (escape) {
    case Escape::none:
      return std::string(text);
    case Escape::url:
      return percent_encode(text);
    case Escape::html:
      return escape_html(text);
    case Escape::slack_mrkdwn:
      return entities(text, false);
    case Escape::telegram_markdown:
      return with_backslashes(text, "\\_*[]()~`>#+-=|{}.!");
    case Escape::telegram_html:
      return entities(text, true);
    case Escape::markdown:
      return markdown(text, "\\`*_~[]|", false);
    case Escape::teams_markdown:
      return markdown(text, "\\`*_~[]|", true);
    case Escape::matrix_html:
      return with_breaks(text);
    case Escape::zero_width:
      return parted(text);
  }
  return std::string(text);
}

std::string_view continuation_mark(Escape escape) {
  const bool has_blocks = escape == Escape::markdown || escape == Escape::teams_markdown;
  return has_blocks ? zero_width_space : std::string_view{};
}

std::string continued(std::string_view rest, Escape escape) {
  const std::string_view mark = continuation_mark(escape);
  // What was an address is a mention without the word before it.
  if (rest.starts_with('@')) {
    const std::string_view after = rest.substr(1);
    return std::string("@").append(after.starts_with(zero_width_space) ? std::string_view{} : mark).append(after);
  }
  const std::string_view line = rest.substr(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const bool means = opens_block(line) || line.starts_with('/') || line.starts_with('!') ||
                     number_mark(line) != std::string_view::npos;
  return std::string(means ? mark : std::string_view{}).append(rest);
}

}  // namespace chatrelay::expression
