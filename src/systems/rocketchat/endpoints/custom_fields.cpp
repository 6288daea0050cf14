#include "systems/rocketchat/endpoints/custom_fields.hpp"

#include <algorithm>
#include <utility>

#include "common/json.hpp"
#include "conversations/rooms_records.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr std::size_t key_bytes_max = 64;

bool is_key(std::string_view key) {
  return !key.empty() && key.size() <= key_bytes_max && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_value(const json::value& value) {
  return value.is_string() && value.get_string().size() <= custom_value_bytes_max;
}

bool fits(const json::object& fields) {
  return fields.size() <= custom_fields_max && json::serialize(fields).size() <= conversations::custom_bytes_max;
}

// Empty: it is taken, and is in `known` now.
std::string take(const CustomField& field, json::object& known) {
  if (!is_key(field.key)) return "invalid-custom-field";
  if (!is_value(field.value)) return "error-invalid-custom-field-value";
  if (known.contains(field.key) && !field.overwrite) return {};
  json::object wanted = known;
  wanted[field.key] = field.value;
  if (!fits(wanted)) return "error-too-many-custom-fields";
  known = std::move(wanted);
  return {};
}

}  // namespace

std::optional<std::string> custom_fault(const std::vector<CustomField>& fields, json::object known) {
  // Before each of them is looked at: a list of thousands costs nothing.
  if (fields.size() > custom_fields_max) return "error-too-many-custom-fields";
  for (const CustomField& field : fields)
    if (std::string fault = take(field, known); !fault.empty()) return fault;
  return std::nullopt;
}

std::vector<CustomField> read_custom_fields(const json::array& list) {
  std::vector<CustomField> fields;
  for (const json::value& entry : list) {
    CustomField field;
    field.key = strict_string_at(entry, "key").value_or("");
    field.value = json::string(strict_string_at(entry, "value").value_or(""));
    field.overwrite = bool_at(entry, "overwrite").value_or(true);
    fields.push_back(std::move(field));
  }
  return fields;
}

std::vector<CustomField> taken_custom_fields(const std::vector<CustomField>& fields, json::object known) {
  std::vector<CustomField> taken;
  const std::size_t count = std::min(fields.size(), custom_fields_max);
  for (std::size_t i = 0; i < count; ++i)
    if (take(fields[i], known).empty()) taken.push_back(fields[i]);
  return taken;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
