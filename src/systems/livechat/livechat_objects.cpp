#include "systems/livechat/livechat_objects.hpp"

namespace chatrelay::systems::livechat {

json::object read_properties(const json::value& properties) {
  json::object out;
  if (!properties.is_object()) return out;
  for (const auto& space : properties.get_object())
    if (space.value().is_object()) out.insert_or_assign(space.key(), space.value());
  return out;
}

void merge_properties(json::object& into, const json::object& from) {
  for (const auto& space : from) {
    json::value& target = into[space.key()];
    if (!target.is_object()) target.emplace_object();
    if (!space.value().is_object()) continue;
    for (const auto& property : space.value().get_object())
      target.get_object().insert_or_assign(property.key(), property.value());
  }
}

std::vector<std::string> read_removed_properties(const json::value& properties) {
  std::vector<std::string> out;
  if (!properties.is_object()) return out;
  for (const auto& space : properties.get_object()) {
    const std::string prefix = std::string(space.key()) + ".";
    if (space.value().is_array()) {
      for (const json::value& name : space.value().get_array())
        if (name.is_string()) out.push_back(prefix + std::string(name.get_string()));
    } else if (space.value().is_object()) {  // {name: anything}, as 3.1 wrote it
      for (const auto& property : space.value().get_object()) out.push_back(prefix + std::string(property.key()));
    }
  }
  return out;
}

std::optional<std::string> read_groups(const json::value& access) {
  const json::value* groups = find(access, "group_ids");
  if (!groups) groups = find(access, "groups");
  const auto ids = groups ? read_strings(*groups) : std::nullopt;
  if (!ids || ids->empty()) return std::nullopt;
  std::string text;
  for (const std::string& id : *ids) text += (text.empty() ? "" : ",") + id;
  return text;
}

std::optional<Queue> read_queue(const json::value& queue) {
  if (!queue.is_object()) return std::nullopt;
  return Queue{int_at(queue, "position"), int_at(queue, "wait_time")};
}

std::optional<std::vector<std::string>> read_strings(const json::value& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const json::value& item : list.get_array()) {
    if (item.is_string())
      out.emplace_back(item.get_string());
    else if (item.is_int64() || item.is_uint64())
      out.push_back(json::serialize(item));
  }
  return out;
}

}  // namespace chatrelay::systems::livechat
