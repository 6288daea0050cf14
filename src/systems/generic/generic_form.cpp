#include "systems/generic/generic_form.hpp"

#include <algorithm>

#include "common/form.hpp"
#include "common/json_scan.hpp"
#include "common/text.hpp"

namespace chatrelay::systems::generic {

namespace {

constexpr std::size_t fields_max = 1000;

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
  for_each_form_pair(trim(body), [&](const FormPair& pair) {
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
  for_each_form_pair(trim(body), [&](const FormPair& pair) {
    if (pair.name == name) out.push_back(pair.value);
  });
  return out;
}

std::string without_field(std::string_view body, std::string_view name) {
  std::string out;
  for_each_form_pair(body, [&](const FormPair& pair) {
    if (trim(pair.name) != name) out.append(out.empty() ? "" : "&").append(pair.text);
  });
  return out;
}

}  // namespace chatrelay::systems::generic
