#include "systems/rocketchat/endpoints/meteor_check.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

// Limit: of what a client sent and hears again in an error.
constexpr std::size_t shown_bytes_max = 200;

struct Fault {
  std::string message;
  std::string path;
};

// JavaScript's typeof, but for null.
std::string type_of(const json::value& value) {
  if (value.is_null()) return "null";
  if (value.is_string()) return "string";
  if (value.is_number()) return "number";
  if (value.is_bool()) return "boolean";
  return "object";
}

bool is_digits(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_identifier(std::string_view key) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  };
  return !key.empty() && is_letter(key.front()) &&
         std::ranges::all_of(key, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string shown_key(std::string_view key) {
  key = truncate_utf8(key, shown_bytes_max);
  if (is_digits(key)) return "[" + std::string(key) + "]";
  if (is_identifier(key)) return std::string(key);
  return json::serialize(json::value(json::array{json::value(json::string(key))}));
}

std::string joined(const std::string& key, const std::string& rest) {
  return rest.empty() || rest.front() == '[' ? key + rest : key + "." + rest;
}

Fault expected(const char* what, const std::string& got) {
  return {std::string("Expected ") + what + ", got " + got, {}};
}

std::optional<Fault> fault_of(const MeteorPattern& pattern, const json::value& value);

std::optional<Fault> fault_of_object(const MeteorPattern& pattern, const json::value& value) {
  if (value.is_array()) return Fault{"Expected plain object", {}};
  if (!value.is_object()) return expected("object", type_of(value));
  const json::object& object = value.get_object();
  for (const json::key_value_pair& pair : object) {
    const auto member = std::ranges::find(pattern.members, std::string_view(pair.key()), &MeteorMember::name);
    if (member == pattern.members.end()) {
      if (!pattern.including) return Fault{"Unknown key", shown_key(pair.key())};
      continue;
    }
    if (auto fault = fault_of(member->pattern, pair.value()))
      return Fault{std::move(fault->message), joined(std::string(member->name), fault->path)};
  }
  for (const MeteorMember& member : pattern.members)
    if (!member.maybe && !object.contains(member.name))
      return Fault{"Missing key '" + std::string(member.name) + "'", {}};
  return std::nullopt;
}

std::optional<Fault> fault_of_array(const MeteorPattern& pattern, const json::value& value) {
  if (!value.is_array()) return expected("array", std::string(truncate_utf8(json::serialize(value), shown_bytes_max)));
  const json::array& elements = value.get_array();
  for (std::size_t i = 0; i < elements.size(); ++i)
    if (auto fault = fault_of_object(pattern, elements[i]))
      return Fault{std::move(fault->message), joined("[" + std::to_string(i) + "]", fault->path)};
  return std::nullopt;
}

std::optional<Fault> fault_of(const MeteorPattern& pattern, const json::value& value) {
  switch (pattern.kind) {
    case MeteorPattern::Kind::string:
      return value.is_string() ? std::nullopt : std::optional(expected("string", type_of(value)));
    case MeteorPattern::Kind::boolean:
      return value.is_bool() ? std::nullopt : std::optional(expected("boolean", type_of(value)));
    case MeteorPattern::Kind::object:
      return fault_of_object(pattern, value);
    case MeteorPattern::Kind::array:
      return fault_of_array(pattern, value);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> meteor_fault(const MeteorPattern& pattern, const json::value& value) {
  const std::optional<Fault> fault = fault_of(pattern, value);
  if (!fault) return std::nullopt;
  return "Match error: " + fault->message + (fault->path.empty() ? "" : " in field " + fault->path);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
