#include "systems/livehelperchat/livehelperchat_map.hpp"

#include "common/text.hpp"
#include "expression/json_text.hpp"
#include "systems/livehelperchat/livehelperchat_mappings.hpp"

namespace chatrelay::systems::livehelperchat {

namespace {

enum Key : std::size_t { type, chat, visitor, agent, message, rating, occurred_at, key };

// The mapping whose expressions hold where the operator wrote none. Nothing is taken from a mapping if there is a map
// and no `template`.
const Mapping* base_of(const config::Node& source) {
  const config::Node named = source["template"];
  if (!named.present()) return source["map"].present() ? nullptr : find_mapping("standard");
  const std::string name = named.string();
  if (const Mapping* found = find_mapping(name)) return found;
  std::string names;
  for (const Mapping& one : mappings()) names += (names.empty() ? "" : ", ") + std::string(one.name);
  named.problem("is " + named.shown() + "; it must be one of: " + names + " (or write a `map` of your own)");
  return nullptr;
}

}  // namespace

std::optional<std::string> scalar_text(const json::value& value) {
  if (value.is_string()) {
    if (value.get_string().empty()) return std::nullopt;
    return std::string(value.get_string());
  }
  if (value.is_number()) return expression::compact_json(value);
  return std::nullopt;
}

std::unique_ptr<Map> Map::read(const config::Node& source, const json::object& tables, config::Problems& problems) {
  static_assert(size == map_keys.size());
  const std::size_t before = problems.list().size();
  const config::Node own = source["map"];
  if (own.present() && !own.is_map()) own.problem("must be a map of jq expressions");
  own.only(std::vector<std::string>(map_keys.begin(), map_keys.end()));
  const Mapping* base = base_of(source);
  auto map = std::unique_ptr<Map>(new Map);
  expression::Builder builder(tables);
  for (std::size_t i = 0; i < size; ++i) {
    const config::Node written = own[map_keys[i]];
    if (written.present())
      map->ids_[i] = builder.add(written.string(), written.where(), problems);
    else if (base && !base->expressions[i].empty())
      map->ids_[i] = builder.add(base->expressions[i], source.where(), problems);
  }
  map->event_ = source["event"].string(base ? base->event : std::string_view{});
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return nullptr;
  if (builder.size() > 0) {
    map->program_ = builder.build(problems);
    if (!map->program_) return nullptr;
  }
  return map;
}

Result<json::value> Map::first(std::size_t at, const json::value& payload) {
  if (!ids_[at] || !program_) return json::value(nullptr);
  auto found = program_->first(*ids_[at], payload);
  if (!found.has_value()) return invalid("map." + std::string(map_keys[at]) + ": " + found.error().message);
  return *found ? std::move(**found) : json::value(nullptr);
}

Result<Parts> Map::find(const json::value& payload) {
  json::value found[size];
  for (std::size_t i = 0; i < size; ++i) {
    auto value = first(i, payload);
    if (!value.has_value()) return value.error();
    found[i] = std::move(*value);
  }
  Parts parts;
  parts.event = std::string(truncate_utf8(scalar_text(found[type]).value_or(event_), 200));
  parts.chat = std::move(found[chat]);
  parts.visitor = std::move(found[visitor]);
  parts.agent = std::move(found[agent]);
  parts.message = std::move(found[message]);
  parts.rating = std::move(found[rating]);
  parts.occurred_at = std::move(found[occurred_at]);
  if (found[key].is_null()) return parts;
  parts.key = scalar_text(found[key]);
  if (!parts.key && !found[key].is_string()) parts.key = expression::compact_json(found[key]);
  return parts;
}

}  // namespace chatrelay::systems::livehelperchat
