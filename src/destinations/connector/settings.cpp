#include "destinations/connector/settings.hpp"

#include <algorithm>
#include <limits>

#include "common/standard_webhooks.hpp"
#include "destinations/connector/http_rules.hpp"
#include "destinations/connector/url.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace json = boost::json;

namespace {

// A test's text stands as it is written; ${…} belongs to configurations.
std::string text_of(const config::Node& node, SettingsOrigin origin) {
  if (origin == SettingsOrigin::configuration) return node.string();
  const json::value value = node.json(false);
  return value.is_string() ? std::string(value.get_string()) : expression::compact_json(value);
}

std::string secret_of(const config::Node& node, SettingsOrigin origin) {
  return origin == SettingsOrigin::configuration ? node.secret().reveal() : text_of(node, origin);
}

json::value read_url(const config::Node& node, SettingsOrigin origin) {
  const std::string url = text_of(node, origin);
  if (const Result<void> checked = check_url(url); !checked) {
    node.problem(checked.error().message);
    return nullptr;
  }
  if (origin == SettingsOrigin::configuration) register_url_secrets(url);
  return json::value(json::string(url));
}

json::value read_signing_secret(const config::Node& node, SettingsOrigin origin) {
  const std::string secret = secret_of(node, origin);
  if (const auto key = standard_webhooks_key(secret); !key) {
    node.problem(key.error().message);
    return nullptr;
  }
  return json::value(json::string(secret));
}

json::value read_choice(const SettingSpec& spec, const config::Node& node, SettingsOrigin origin) {
  const std::string text = text_of(node, origin);
  if (std::ranges::find(spec.choices, text) != spec.choices.end()) return json::value(json::string(text));
  std::string names;
  for (const std::string& choice : spec.choices) names += (names.empty() ? "" : ", ") + choice;
  node.problem("is " + node.shown() + "; it must be one of: " + names);
  return spec.fallback;
}

json::value read_map(const config::Node& node, SettingsOrigin origin) {
  if (!node.is_map()) {
    node.problem("must be a map of names to texts");
    return nullptr;
  }
  json::object values;
  for (const std::string& key : node.keys()) {
    const config::Node member = node[key];
    if (member.present() && !member.is_scalar()) {
      member.problem("must be a text");
      continue;
    }
    const std::string value = text_of(member, origin);
    if (const Result<void> checked = check_header(key, value); !checked) {
      member.problem(checked.error().message);
      continue;
    }
    // Authorization and the like come through here, and the engine cannot know which names a service invents. What was
    // written as ${…} is a secret by its place in the configuration; short values are ordinary text.
    if (origin == SettingsOrigin::configuration && is_secret_header(key)) redactor::add(value);
    values[key] = value;
  }
  return values;
}

json::value read_list(const config::Node& node, SettingsOrigin origin) {
  json::array values;
  for (const config::Node& one : node.items()) {
    if (one.is_scalar()) {
      values.emplace_back(text_of(one, origin));
    } else {
      one.problem("must be a text");
    }
  }
  return values;
}

json::value read_one(const SettingSpec& spec, const config::Node& node, SettingsOrigin origin) {
  const bool scalar = spec.type != SettingType::map && spec.type != SettingType::list;
  if (scalar && !node.is_scalar()) {
    node.problem("must be a single value");
    return spec.fallback;
  }
  switch (spec.type) {
    case SettingType::string:
      return json::value(json::string(text_of(node, origin)));
    case SettingType::secret:
      return json::value(json::string(secret_of(node, origin)));
    case SettingType::signing_secret:
      return read_signing_secret(node, origin);
    case SettingType::url:
      return read_url(node, origin);
    case SettingType::choice:
      return read_choice(spec, node, origin);
    case SettingType::map:
      return read_map(node, origin);
    case SettingType::list:
      return read_list(node, origin);
    case SettingType::boolean:
      return node.boolean(false);
    case SettingType::integer:
      return node.integer(0, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(SettingType type) {
  switch (type) {
    case SettingType::string:
      return "string";
    case SettingType::secret:
      return "secret";
    case SettingType::url:
      return "url";
    case SettingType::choice:
      return "choice";
    case SettingType::map:
      return "map";
    case SettingType::boolean:
      return "boolean";
    case SettingType::integer:
      return "integer";
    case SettingType::list:
      return "list";
    case SettingType::signing_secret:
      return "signing_secret";
  }
  return "string";
}

json::object read_settings(const std::vector<SettingSpec>& specs, const config::Node& node, SettingsOrigin origin) {
  json::object settings;
  for (const SettingSpec& spec : specs) {
    const config::Node given = node[spec.name];
    if (given.present()) {
      settings[spec.name] = read_one(spec, given, origin);
      continue;
    }
    if (spec.required) node.problem("needs " + spec.name + (spec.about.empty() ? "" : " (" + spec.about + ")"));
    settings[spec.name] = spec.fallback;
  }
  return settings;
}

}  // namespace chatrelay::destinations::connector
