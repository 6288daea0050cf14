// `settings:` of a connector file.
#include <algorithm>

#include "config/config.hpp"
#include "destinations/connector/file_reader.hpp"
#include "destinations/connector/url.hpp"

namespace chatrelay::destinations::connector {

namespace {

// The first reason why a fallback cannot be right; empty if it can.
std::string fallback_problem(const SettingSpec& spec) {
  const json::value& value = spec.fallback;
  if (value.is_null()) return {};
  switch (spec.type) {
    case SettingType::boolean:
      return value.is_bool() ? "" : "must be true or false";
    case SettingType::integer:
      return value.is_int64() || value.is_uint64() ? "" : "must be a whole number";
    case SettingType::map:
      return value.is_object() ? "" : "must be a map";
    case SettingType::secret:
    case SettingType::signing_secret:
      return "a secret has no default";
    case SettingType::url: {
      if (!value.is_string()) return "must be a URL";
      const Result<void> checked = check_url(std::string_view(value.get_string()));
      return checked ? std::string{} : checked.error().message;
    }
    case SettingType::choice: {
      const bool known = value.is_string() && std::ranges::any_of(spec.choices, [&](const std::string& choice) {
                           return choice == std::string_view(value.get_string());
                         });
      return known ? "" : "is none of the choices";
    }
    case SettingType::list: {
      const json::array* list = value.if_array();
      const bool texts =
          list != nullptr && std::ranges::all_of(*list, [](const json::value& v) { return v.is_string(); });
      return texts ? "" : "must be a list of texts";
    }
    case SettingType::string:
      return value.is_string() ? "" : "must be a text";
  }
  return {};
}

SettingSpec read_setting(const std::string& name, const config::Node& node) {
  node.only({"type", "required", "default", "choices", "about"});
  SettingSpec spec;
  spec.name = name;
  spec.type = node["type"].one_of<SettingType>({{"string", SettingType::string},
                                                {"secret", SettingType::secret},
                                                {"url", SettingType::url},
                                                {"choice", SettingType::choice},
                                                {"map", SettingType::map},
                                                {"boolean", SettingType::boolean},
                                                {"integer", SettingType::integer},
                                                {"list", SettingType::list},
                                                {"signing_secret", SettingType::signing_secret}},
                                               SettingType::string);
  spec.required = node["required"].boolean(false);
  spec.choices = node["choices"].strings();
  spec.about = node["about"].string();
  if (node["default"].present()) spec.fallback = node["default"].json(false);
  if ((spec.type == SettingType::choice) != !spec.choices.empty())
    node.problem("choices belong to type: choice, and only there");
  if (spec.required && !spec.fallback.is_null()) node.problem("is required and has a default: one of both is wrong");
  if (const std::string wrong = fallback_problem(spec); !wrong.empty()) node["default"].problem(wrong);
  return spec;
}

}  // namespace

std::vector<SettingSpec> read_setting_specs(const config::Node& node) {
  std::vector<SettingSpec> specs;
  if (!node.present()) return specs;
  if (!node.is_map()) {
    node.problem("must be a map of setting names");
    return specs;
  }
  const std::vector<std::string>& common = config::common_destination_keys();
  for (const std::string& name : node.keys()) {
    const config::Node setting = node[name];
    const bool taken = name == "base_url" || name == "ca_file" || std::ranges::find(common, name) != common.end();
    if (taken) setting.problem("is a key that every destination has; choose another name");
    specs.push_back(read_setting(name, setting));
  }
  return specs;
}

}  // namespace chatrelay::destinations::connector
