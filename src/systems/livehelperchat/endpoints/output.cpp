#include "systems/livehelperchat/endpoints/output.hpp"

#include <algorithm>
#include <cstdint>

#include "common/text.hpp"
#include "http/url.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t callback_bytes_max = 128;
constexpr int xml_depth_max = 32;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c == '.' || c == '[' || c == ']';
}

void append_unit(std::string& out, std::uint32_t unit) {
  constexpr const char* digits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[(unit >> shift) & 0xf];
}

// Of valid UTF-8; moves `at` behind the code point.
std::uint32_t take_code_point(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  const int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  std::uint32_t code = more == 0 ? first : first & (0x3f >> more);
  for (int i = 0; i < more; ++i) code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3f);
  return code;
}

// JSON text has '/' and non-ASCII bytes inside its strings only, so the whole text can be gone through.
std::string as_php_writes(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '/') {
      out += "\\/";
      ++at;
    } else if (static_cast<unsigned char>(text[at]) < 0x80) {
      out += text[at++];
    } else if (const std::uint32_t code = take_code_point(text, at); code < 0x10000) {
      append_unit(out, code);
    } else {
      append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
      append_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    }
  }
  return out;
}

// ---- XML

std::string element_name(std::string_view key) {
  std::string name;
  for (const char c : key) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool later = (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (later && name.empty()) name += '_';
    name += letter || later ? c : '_';
  }
  return name.empty() ? "_" : name;
}

// Text that XML 1.0 §2.2 takes: without the control characters but tab and the two line ends, and without U+FFFE and
// U+FFFF, which no reference can write either.
std::string xml_text(std::string_view said) {
  const std::string text = repair_utf8(said);
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const std::uint32_t code = take_code_point(text, at);
    const bool fits = code >= 0x20 ? code != 0xfffe && code != 0xffff : code == '\t' || code == '\n' || code == '\r';
    if (fits) kept.append(text, begin, at - begin);
  }
  return escape_html(kept);
}

void append_element(std::string& out, const std::string& name, const json::value& value, int depth);

void append_content(std::string& out, const json::value& value, int depth) {
  if (value.is_object()) {
    for (const auto& member : value.get_object())
      append_element(out, element_name(member.key()), member.value(), depth);
  } else if (value.is_array()) {
    for (const json::value& each : value.get_array()) append_element(out, "item", each, depth);
  } else if (value.is_string()) {
    out += xml_text(value.get_string());
  } else if (!value.is_null()) {
    out += json::serialize(value);
  }
}

void append_element(std::string& out, const std::string& name, const json::value& value, int depth) {
  if (depth >= xml_depth_max) return;
  if (value.is_array()) {
    for (const json::value& each : value.get_array()) {
      out.append("<").append(name).append(">");
      append_content(out, each, depth + 1);
      out.append("</").append(name).append(">");
    }
    return;
  }
  out.append("<").append(name).append(">");
  append_content(out, value, depth + 1);
  out.append("</").append(name).append(">");
}

}  // namespace

bool is_callback_name(std::string_view name) {
  return !name.empty() && name.size() <= callback_bytes_max && std::ranges::all_of(name, is_name_character);
}

Format read_format(std::string_view query) {
  Format format;
  if (query.empty()) return format;
  const auto parameters = http::parse_query(query);
  if (!parameters) return format;
  const auto formats = parameters->all("format");
  if (!formats.empty() && formats.back() == "xml") {
    format.kind = Format::Kind::xml;
    return format;
  }
  const auto callbacks = parameters->all("callback");
  if (callbacks.empty()) return format;
  format.is_refused = !is_callback_name(callbacks.back());
  if (format.is_refused) return format;
  format.kind = Format::Kind::jsonp;
  format.callback = callbacks.back();
  return format;
}

std::string to_php_json(const json::value& value) {
  const std::string text = json::serialize(value);
  return as_php_writes(is_valid_utf8(text) ? text : repair_utf8(text));
}

std::string to_xml(const json::value& value) {
  std::string out = "<?xml version=\"1.0\"?>\n<root>";
  append_content(out, value, 1);
  return out.append("</root>\n");
}

http::Response render(const Reply& reply, const Format& format) {
  http::Response response(reply.status);
  response.headers = reply.headers;
  response.content_type = "application/json";
  if (!reply.body) return response;
  switch (format.kind) {
    case Format::Kind::json:
      response.body = to_php_json(*reply.body);
      break;
    case Format::Kind::jsonp:
      response.content_type = "application/javascript; charset=utf-8";
      response.body = format.callback + "(" + to_php_json(*reply.body) + ")";
      break;
    case Format::Kind::xml:
      response.content_type = "application/xml; charset=utf-8";
      response.body = to_xml(*reply.body);
      break;
  }
  return response;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
