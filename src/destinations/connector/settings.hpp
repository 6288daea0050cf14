// Settings: what a connector file says a destination must be configured with, and the reading of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "config/node.hpp"

namespace chatrelay::destinations::connector {

enum class SettingType {
  string,
  secret,  // kept out of every log line; a literal gets a warning
  url,     // checked by check_url; its tokens are secrets
  choice,
  map,  // names to texts: headers
  boolean,
  integer,
  list,            // of texts; a single one is a list of one
  signing_secret,  // a Standard Webhooks secret
};

struct SettingSpec {
  std::string name;
  SettingType type = SettingType::string;
  bool required = false;
  std::vector<std::string> choices;  // of SettingType::choice
  boost::json::value fallback;       // null: the setting is null when it is not given
  std::string about;                 // for `connectors show` and for messages
};

std::string_view to_string(SettingType type);

// Where the values come from: an operator's configuration (${…} replaced, literal secrets warned of), or a test in a
// connector file, whose secrets are invented.
enum class SettingsOrigin { configuration, test };

// Every setting is a member of the result, null where it was not given. Problems are added at their place in `node`.
// Does not look at unknown keys: who calls this knows which others are allowed.
boost::json::object read_settings(const std::vector<SettingSpec>& specs, const config::Node& node,
                                  SettingsOrigin origin);

}  // namespace chatrelay::destinations::connector
