#include "systems/rocketchat/rocketchat_own.hpp"

#include <algorithm>

#include "common/json_scan.hpp"
#include "common/text.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::rocketchat {

namespace {

std::string text_of(std::string_view raw) {
  return raw.starts_with('"') ? scanned_string(raw) : std::string();
}

}  // namespace

std::string_view only_entry(std::string_view array) {
  array = trim(array);
  return array.size() < 2 || array.front() != '[' ? std::string_view{} : array.substr(1, array.size() - 2);
}

// A message of the visitor's side has no agentId, whatever username the visitor took.
bool OwnMessages::wrote(std::string_view messages, WallTime now) const {
  if (!as_visitor && messages.find("agentId") == std::string_view::npos) return false;  // most are the visitor's
  static const std::vector<JsonPath> wanted = {{{"_id"}}, {{"agentId"}}, {{"username"}}, {{"u", "username"}}};
  const JsonScanResult scan = scan_json(only_entry(messages), wanted, {});
  if (!scan.well_formed) return false;
  const std::string agent = text_of(scan.values[1]);
  if (agent.empty() && !as_visitor) return false;
  if (can_be_own_id(text_of(scan.values[0]), now)) return true;
  const auto is_ours = [&](const std::string& name) {
    return !name.empty() && std::find(agents.begin(), agents.end(), name) != agents.end();
  };
  return !agent.empty() && (is_ours(agent) || is_ours(text_of(scan.values[2])) || is_ours(text_of(scan.values[3])));
}

OwnMessages read_own(const config::Node& node) {
  OwnMessages own;
  if (!node.present()) return own;
  if (!node.is_map()) node.problem("must be {agents: […], as_visitor: true}");
  node.only({"agents", "as_visitor"});
  for (const config::Node& each : node["agents"].items()) own.agents.push_back(each.required_string());
  own.as_visitor = node["as_visitor"].boolean(false);
  return own;
}

}  // namespace chatrelay::systems::rocketchat
