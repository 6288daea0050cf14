#include "systems/livechatoo/endpoints/identity_answer.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

namespace {

namespace json = boost::json;

constexpr std::size_t lines_max = 20;
constexpr std::size_t line_bytes_max = 300;

// One line: what would end it, or steer a terminal, is a space.
std::string one_line(std::string_view text) {
  std::string line = repair_utf8(text);
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  for (const std::string_view end : {"\xE2\x80\xA8", "\xE2\x80\xA9"})  // U+2028, U+2029
    for (std::size_t at = line.find(end); at != line.npos; at = line.find(end)) line.replace(at, end.size(), " ");
  return std::string(trim(truncate_utf8(line, line_bytes_max)));
}

std::string text_of(const json::value& value) {
  if (value.is_string()) return one_line(value.get_string());
  const std::string text = json::serialize(value);
  return one_line(text);
}

// Plain text has no escapes; should somebody show it as HTML, it must hold no tag.
std::string without_tags(std::string_view line) {
  std::string out;
  for (const char c : line) {
    if (c == '<')
      out += "\xE2\x80\xB9";  // ‹
    else if (c == '>')
      out += "\xE2\x80\xBA";  // ›
    else
      out += c;
  }
  return out;
}

// What websites answer of a guest: null, {}, {"user": null}, {"name": "", "loggedIn": false}.
bool says_nothing(const json::value& value) {
  if (value.is_object())
    return std::ranges::all_of(value.get_object(), [](const auto& member) { return says_nothing(member.value()); });
  if (value.is_array()) return std::ranges::all_of(value.get_array(), says_nothing);
  if (value.is_string()) return trim(value.get_string()).empty();
  return value.is_null() || value == json::value(false);
}

const std::string& headline(const IdentityTexts& texts, Verdict verdict) {
  if (verdict == Verdict::verified) return texts.verified;
  return verdict == Verdict::unknown ? texts.unknown : texts.unavailable;
}

std::string as_text(const IdentityConfig& identity, const Told& told) {
  std::string out = without_tags(headline(identity.texts, told.verdict)) + "\n";
  for (const Line& line : told.lines)
    out += without_tags(line.label) + (line.label.empty() ? "" : ": ") + without_tags(line.value) + "\n";
  return out;
}

std::string as_html(const IdentityConfig& identity, const Told& told) {
  std::string out = "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>Identity</title>\n<p><strong>" +
                    escape_html(headline(identity.texts, told.verdict)) + "</strong></p>\n";
  if (told.lines.empty()) return out;
  out += "<ul>\n";
  for (const Line& line : told.lines)
    out += "<li>" + escape_html(line.label) + (line.label.empty() ? "" : ": ") + escape_html(line.value) + "</li>\n";
  return out + "</ul>\n";
}

}  // namespace

Told told_of(const std::vector<json::value>& results) {
  Told told;
  if (results.empty() || says_nothing(results.front())) return told;
  told.verdict = Verdict::verified;
  const auto add = [&](std::string_view label, const json::value& value) {
    if (told.lines.size() >= lines_max || value.is_null()) return;
    told.lines.push_back({one_line(label), text_of(value)});
  };
  const json::value& first = results.front();
  if (first.is_object()) {
    for (const auto& [key, value] : first.get_object()) add(key, value);
  } else if (first.is_array()) {
    for (const json::value& value : first.get_array()) add({}, value);
  } else if (!first.is_bool()) {
    add({}, first);
  }
  return told;
}

http::Response answer_of(const IdentityConfig& identity, const Told& told) {
  http::Response response(200, identity.html ? as_html(identity, told) : as_text(identity, told),
                          identity.html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  if (identity.html) response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; sandbox");
  return response;
}

}  // namespace chatrelay::systems::livechatoo::endpoints
