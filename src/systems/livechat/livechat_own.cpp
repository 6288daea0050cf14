#include "systems/livechat/livechat_own.hpp"

#include <algorithm>
#include <optional>

#include "common/json_scan.hpp"
#include "common/text.hpp"
#include "systems/livechat/livechat_objects.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

bool LivechatOwn::wrote(std::string_view body, WallTime now) const {
  // Nearly every message has no custom_id: a search at memory speed spares it the walk.
  const bool may_have_id = custom_ids && body.find("custom_id") != std::string_view::npos;
  if (!may_have_id && authors.empty()) return false;
  static const std::vector<JsonPath> wanted = {{{"payload", "event", "author_id"}},
                                               {{"payload", "event", "custom_id"}}};
  const JsonScanResult scan = scan_json(body, wanted, {});
  if (!scan.well_formed || !scan.values[0].starts_with('"')) return false;
  const std::string author = scanned_string(scan.values[0]);
  const std::optional<std::string> role = livechat::role_of_id(author);
  if (role == "visitor") return false;
  if (std::any_of(authors.begin(), authors.end(), [&](const auto& own) { return iequals_ascii(own, author); }))
    return true;
  return role && may_have_id && scan.values[1].starts_with('"') && can_be_own_id(scanned_string(scan.values[1]), now);
}

LivechatOwn read_livechat_own(const config::Node& node) {
  LivechatOwn own;
  if (!node.present()) return own;
  if (!node.is_map()) node.problem("must be {custom_ids: true, authors: […]}");
  node.only({"custom_ids", "authors"});
  own.custom_ids = node["custom_ids"].boolean(true);
  for (const config::Node& each : node["authors"].items()) {
    own.authors.push_back(each.required_string());
    if (livechat::role_of_id(own.authors.back()) == "visitor")
      each.problem("is " + each.shown() + ", which is a customer's id; agents have e-mail addresses, bots 32 digits");
  }
  return own;
}

}  // namespace chatrelay::systems
