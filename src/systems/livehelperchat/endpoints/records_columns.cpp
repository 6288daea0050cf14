// Columns of a chat that clients set and nobody else looks at, and the attributes among them.
#include <algorithm>
#include <utility>

#include "common/digits.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/livehelperchat/endpoints/records.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t attributes_max = 100;        // Limit: of additional_data
constexpr std::size_t column_bytes_max = 8 << 10;  // Limit: of one column

enum class Type { number, text, number_or_text };
struct Column {
  std::string_view name;
  Type type;
};
// What a client may set, and gets back as it set it.
constexpr Column settable[] = {
    {"referrer", Type::text},           {"session_referrer", Type::text}, {"support_informed", Type::text},
    {"country_code", Type::text},       {"country_name", Type::text},     {"city", Type::text},
    {"lat", Type::number_or_text},      {"lon", Type::number_or_text},    {"additional_data", Type::text},
    {"chat_variables", Type::text},     {"remarks", Type::text},          {"operation", Type::text},
    {"operation_admin", Type::text},    {"chat_locale", Type::text},      {"chat_locale_to", Type::text},
    {"user_tz_identifier", Type::text}, {"status_sub_arg", Type::text},   {"priority", Type::number},
    {"status_sub", Type::number},       {"status_sub_sub", Type::number}, {"product_id", Type::number},
    {"invitation_id", Type::number},    {"theme_id", Type::number},       {"gbot_id", Type::number},
    {"device_type", Type::number},      {"mail_send", Type::number},      {"screenshot_id", Type::number},
};

json::value as_type(const json::value& said, Type type) {
  std::optional<std::string> text;
  if (said.is_string()) text = repair_utf8(said.get_string());
  if (said.is_bool()) text = said.get_bool() ? "1" : "";
  if (said.is_structured()) text = json::serialize(said);
  if (type != Type::text) {
    if (said.is_int64()) return said;
    const std::optional<std::int64_t> number = text ? whole_number<std::int64_t>(trim(*text)) : std::nullopt;
    if (number) return *number;
    if (type == Type::number)
      return said.is_double() ? json::value(static_cast<std::int64_t>(std::clamp(said.get_double(), -9e15, 9e15)))
                              : json::value(0);
  }
  if (!text) text = json::serialize(said);
  return json::value(truncate_utf8(*text, column_bytes_max));
}

json::object attribute(std::string key, std::string value, bool is_secure, bool is_hidden) {
  json::object out;
  out["secure"] = is_secure;
  out["h"] = is_hidden;
  out["key"] = std::move(key);
  out["value"] = std::move(value);
  return out;
}

bool flag_in(const json::object& object, std::string_view key) {
  return bool_at(json::value(object), key).value_or(false);
}

// Of both forms; what is not one is passed over. nullopt: neither an object nor a list.
std::optional<std::vector<json::object>> attribute_records(const json::value& said) {
  std::vector<json::object> out;
  const auto room_left = [&] { return out.size() < attributes_max; };
  if (const json::object* members = said.if_object()) {
    for (const auto& member : *members) {
      if (!room_left()) break;
      const json::object* record = member.value().if_object();
      std::optional<std::string> value = record ? string_at(member.value(), "val") : std::nullopt;
      if (!record && !member.value().is_structured() && !member.value().is_null())
        value = member.value().is_string() ? std::string(member.value().get_string()) : json::serialize(member.value());
      if (!value) continue;
      out.push_back(attribute(repair_utf8(member.key()), repair_utf8(*value), record && flag_in(*record, "enc"),
                              record && flag_in(*record, "h")));
    }
    return out;
  }
  const json::array* list = said.if_array();
  if (!list) return std::nullopt;
  for (const json::value& each : *list) {
    const json::object* record = each.if_object();
    if (!record || !room_left()) continue;
    const std::optional<std::string> key = string_at(each, "key");
    const std::optional<std::string> value = string_at(each, "value");
    if (!key || !value) continue;
    out.push_back(attribute(repair_utf8(*key), repair_utf8(*value), flag_in(*record, "secure"), flag_in(*record, "h")));
  }
  return out;
}

}  // namespace

json::object chat_columns(const json::object& said) {
  json::object out;
  for (const Column& column : settable) {
    const json::value* value = said.if_contains(column.name);
    if (!value) continue;
    out[column.name] = value->is_null() ? json::value() : as_type(*value, column.type);
  }
  return out;
}

std::optional<std::string> additional_data(const json::value& said, std::string_view there) {
  const std::optional<std::vector<json::object>> told = attribute_records(said);
  if (!told) return std::nullopt;
  std::vector<json::object> all;
  if (const Result<json::value> before = parse_json(there.empty() ? std::string_view("[]") : there); before)
    all = attribute_records(*before).value_or(std::vector<json::object>{});
  for (const json::object& each : *told) {
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const json::object& known) { return known.at("key") == each.at("key"); });
    if (same != all.end())
      *same = each;
    else if (all.size() < attributes_max)
      all.push_back(each);
  }
  // Cut, it would be no JSON any more: the last are left out. Each is written once, however long it is.
  std::string list = "[";
  for (const json::object& each : all) {
    const std::string text = json::serialize(each);
    const std::size_t with_it = list.size() + (list.size() > 1 ? 1 : 0) + text.size() + 1;
    if (with_it > column_bytes_max) break;
    if (list.size() > 1) list += ',';
    list += text;
  }
  return list + "]";
}

std::vector<std::pair<std::string, std::string>> attributes_of(const json::value& said) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const json::object& each : attribute_records(said).value_or(std::vector<json::object>{}))
    out.emplace_back(each.at("key").get_string(), each.at("value").get_string());
  return out;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
