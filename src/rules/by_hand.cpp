#include "rules/by_hand.hpp"

#include "common/crypto.hpp"
#include "common/ids.hpp"
#include "event/event.hpp"
#include "rules/rule.hpp"

namespace chatrelay::rules {

namespace {

json::value test_event(WallTime now) {
  Event event;
  event.id = encode_ulid({now, static_cast<std::uint32_t>(random_u64()), 0});
  event.type = "test";
  event.source = own_source;
  event.system = own_source;
  event.received_at = now;
  return to_json(event, EventExtras{});
}

}  // namespace

Result<Planned> plan_by_hand(const Target& target, const std::string& action, json::object with, WallTime now) {
  const ResolvedAction resolved = resolve_action(target, action);
  if (resolved.schema == nullptr) return invalid(resolved.problem);
  Planned planned{"", target.destination, resolved.action, nullptr};
  const ActionSchema& schema = *resolved.schema;
  if (with.empty() && schema.whole_event_without_with) {
    planned.payload = test_event(now);
    return planned;
  }
  std::vector<std::string> known;
  for (const auto& entry : schema.with) known.push_back(entry.first);
  std::string problems;
  const auto complain = [&](const std::string& problem) { problems += (problems.empty() ? "" : "; ") + problem; };
  for (const auto& member : with)
    if (const std::string key(member.key()); !schema.open && !schema.with.contains(key))
      complain(unknown_name("a key of what " + target.destination + " takes", key, known));
  for (const auto& [key, entry] : schema.with)
    if (entry.required && !with.contains(key))
      complain("\"" + key + "\" is missing, which " + resolved.action + " needs");
  if (!problems.empty()) return invalid(problems);
  planned.payload = std::move(with);
  return planned;
}

}  // namespace chatrelay::rules
