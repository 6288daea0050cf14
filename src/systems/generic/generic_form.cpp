#include "systems/generic/generic_form.hpp"

#include <algorithm>

#include "common/json_scan.hpp"
#include "common/text.hpp"

namespace chatrelay::systems::generic {

namespace {

constexpr std::size_t fields_max = 1000;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// WHATWG URL §5.1: '+' is a space; a percent sign without two digits is itself.
std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

struct Pair {
  std::string_view text;  // "name=value", as it stands in the body
  std::string name, value;
};

template <class Take>
void for_each_pair(std::string_view body, Take take) {
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('&'), body.size());
    const std::string_view text = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (text.empty()) continue;
    const std::size_t equals = std::min(text.find('='), text.size());
    take(Pair{text, decode(text.substr(0, equals)), decode(text.substr(std::min(equals + 1, text.size())))});
  }
}

}  // namespace

bool is_form(std::string_view content_type, std::string_view body) {
  const std::string_view type = trim(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
  if (!iequals_ascii(type, "application/x-www-form-urlencoded")) return false;
  // A form that browsers encode has no bare brace: a body of this shape is not one.
  return !(trim(body).starts_with('{') && scan_json(body, {}, {}).well_formed);
}

json::object parse_form(std::string_view body) {
  json::object out;
  std::size_t fields = 0;
  for_each_pair(trim(body), [&](const Pair& pair) {
    if (++fields > fields_max) return;
    const std::string name = repair_utf8(pair.name);
    json::string value(repair_utf8(pair.value));
    const auto [at, added] = out.emplace(name, value);
    if (added) return;
    if (!at->value().is_array()) at->value() = json::array{at->value()};
    at->value().get_array().emplace_back(std::move(value));
  });
  return out;
}

std::vector<std::string> form_values(std::string_view body, std::string_view name) {
  std::vector<std::string> out;
  for_each_pair(trim(body), [&](const Pair& pair) {
    if (pair.name == name) out.push_back(pair.value);
  });
  return out;
}

std::string without_field(std::string_view body, std::string_view name) {
  std::string out;
  for_each_pair(body, [&](const Pair& pair) {
    if (trim(pair.name) != name) out.append(out.empty() ? "" : "&").append(pair.text);
  });
  return out;
}

}  // namespace chatrelay::systems::generic
