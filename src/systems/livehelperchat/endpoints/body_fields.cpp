#include "systems/livehelperchat/endpoints/body_fields.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/json.hpp"
#include "common/text.hpp"
#include "http/url.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t fields_max = 1000;
constexpr std::size_t brackets_max = 8;
constexpr std::size_t boundary_bytes_max = 70;  // RFC 2046 §5.1.1

// "a[b][]" → {"a", "b", ""}; a name whose brackets do not end is a plain name.
std::vector<std::string> name_parts(std::string_view name) {
  std::vector<std::string> parts;
  const std::size_t open = name.find('[');
  if (open == name.npos || open == 0 || !name.ends_with(']')) return {std::string(name)};
  parts.emplace_back(name.substr(0, open));
  std::string_view rest = name.substr(open);
  while (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == rest.npos || parts.size() > brackets_max) return {std::string(name)};
    parts.emplace_back(rest.substr(1, close - 1));
    rest.remove_prefix(close + 1);
  }
  if (!rest.empty()) return {std::string(name)};
  return parts;
}

// A list that a "k" is set in becomes an object with its places as names, as PHP's arrays are both at once.
json::object& as_object(json::value& value) {
  if (value.is_object()) return value.get_object();
  json::object made;
  if (value.is_array()) {
    std::size_t place = 0;
    for (json::value& each : value.get_array()) made[std::to_string(place++)] = std::move(each);
  }
  value = std::move(made);
  return value.get_object();
}

json::value& next_place(json::value& value, const std::string& part) {
  if (!part.empty()) return as_object(value)[part];
  if (value.is_object()) return value.get_object()[std::to_string(value.get_object().size())];
  if (!value.is_array()) value = json::array();
  return value.get_array().emplace_back(nullptr);
}

void put(json::object& fields, std::string_view name, std::string_view said) {
  const std::vector<std::string> parts = name_parts(repair_utf8(name));
  json::value* place = &fields[parts.front()];
  for (std::size_t i = 1; i < parts.size(); ++i) place = &next_place(*place, parts[i]);
  *place = repair_utf8(said);
}

// ---- multipart (RFC 7578)

// The value of a parameter of a header: name="chat_id", name=chat_id. A quote may be escaped by a backslash.
std::optional<std::string> header_parameter(std::string_view header, std::string_view wanted) {
  std::size_t at = header.find(';');
  while (at < header.size()) {
    std::string_view rest = header.substr(at + 1);
    const std::size_t equals = rest.find('=');
    if (equals == rest.npos) return std::nullopt;
    const std::string_view name = trim(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    std::string value;
    std::size_t used = 0;
    if (rest.starts_with('"')) {
      for (used = 1; used < rest.size() && rest[used] != '"'; ++used) {
        if (rest[used] == '\\' && used + 1 < rest.size()) ++used;
        value += rest[used];
      }
    } else {
      used = std::min(rest.find(';'), rest.size());
      value = trim(rest.substr(0, used));
    }
    if (iequals_ascii(name, wanted)) return value;
    const std::size_t next = rest.find(';', std::min(used, rest.size()));
    if (next == rest.npos) return std::nullopt;
    at = header.size() - rest.size() + next;
  }
  return std::nullopt;
}

struct Part {
  std::string name;
  bool is_file = false;
};

Part read_part_head(std::string_view head) {
  Part part;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !iequals_ascii(trim(line.substr(0, colon)), "content-disposition")) continue;
    const std::string_view value = line.substr(colon + 1);
    part.name = header_parameter(value, "name").value_or("");
    part.is_file = header_parameter(value, "filename").has_value();
  }
  return part;
}

// Puts the fields between the delimiters. Returns what is wrong, or nothing.
std::string read_multipart(std::string_view body, std::string_view boundary, json::object& fields) {
  const std::string delimiter = "\r\n--" + std::string(boundary);
  std::string_view rest = body;
  if (rest.starts_with(std::string_view(delimiter).substr(2))) {
    rest.remove_prefix(delimiter.size() - 2);
  } else {
    const std::size_t first = rest.find(delimiter);
    if (first == rest.npos) return "the multipart body has no boundary in it";
    rest.remove_prefix(first + delimiter.size());
  }
  for (std::size_t count = 0; !rest.starts_with("--"); ++count) {
    if (count == fields_max) return "the body has more than " + std::to_string(fields_max) + " fields";
    // Behind a delimiter there may be white space, then the line ends.
    while (rest.starts_with(' ') || rest.starts_with('\t')) rest.remove_prefix(1);
    const std::size_t end = rest.find(delimiter);
    if (end == rest.npos || !rest.starts_with("\r\n")) return "the multipart body does not end with its boundary";
    // Begins with the line end behind the delimiter, so that a part without any header has its blank line too.
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end + delimiter.size());
    const std::size_t blank = part.find("\r\n\r\n");
    if (blank == part.npos) return "a part of the multipart body has no blank line";
    const Part head = read_part_head(part.substr(2, blank < 2 ? 0 : blank - 2));
    if (!head.name.empty() && !head.is_file) put(fields, head.name, part.substr(blank + 4));
  }
  return {};
}

// ---- the three kinds

std::string_view type_of(std::string_view content_type) {
  return trim(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
}

BodyFields faulty(std::string fault) {
  BodyFields said;
  said.fault = std::move(fault);
  return said;
}

BodyFields read_json(std::string_view body) {
  Result<json::value> value = parse_json(body);
  if (!value) return faulty("the body is not JSON: " + value.error().message);
  if (!value->is_object()) return faulty("the body is JSON, but no object");
  BodyFields said;
  said.is_json = true;
  said.fields = std::move(value->get_object());
  return said;
}

BodyFields read_form(std::string_view body) {
  const Result<http::Parameters> form = http::parse_query(body, fields_max);
  if (!form) return faulty("the form cannot be read: " + form.error().message);
  BodyFields said;
  for (const auto& [name, value] : form->list())
    if (!name.empty()) put(said.fields, name, value);
  return said;
}

}  // namespace

BodyFields read_body_fields(std::string_view content_type, std::string_view body) {
  if (trim(body).empty()) return {};
  const std::string_view type = type_of(content_type);
  if (iequals_ascii(type, "multipart/form-data")) {
    const auto boundary = header_parameter(content_type, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > boundary_bytes_max)
      return faulty("the multipart body's type names no boundary");
    BodyFields said;
    if (std::string fault = read_multipart(body, *boundary, said.fields); !fault.empty())
      return faulty(std::move(fault));
    return said;
  }
  if (!iequals_ascii(type, "application/x-www-form-urlencoded")) return read_json(body);
  if (trim(body).starts_with('{'))
    if (BodyFields as_json = read_json(body); as_json.fault.empty()) return as_json;
  return read_form(body);
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
