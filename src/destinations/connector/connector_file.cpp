#include "destinations/connector/connector_file.hpp"

#include <algorithm>
#include <cctype>

#include "common/json.hpp"
#include "common/text.hpp"
#include "config/config.hpp"
#include "destinations/connector/http_rules.hpp"
#include "destinations/connector/inline_tests.hpp"
#include "destinations/connector/url.hpp"

namespace chatrelay::destinations::connector {

namespace {

using expression::Template;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '_' || c == '-';
  });
}

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
    case SettingType::string:
      return value.is_string() ? "" : "must be a text";
  }
  return {};
}

class Reader {
 public:
  Reader(config::Problems& problems, ConnectorFile& file, expression::Builder& builder)
      : problems_(problems), file_(file), builder_(builder) {}

  void read(const config::Node& root) {
    root.only({"connector", "version", "about", "base_url", "settings", "default_action", "actions", "tests"});
    file_.where = root.where();
    file_.name = root["connector"].required_string();
    if (!file_.name.empty() && !is_name(file_.name))
      root["connector"].problem("must be lower case letters, digits, - and _");
    if (const auto version = root["version"].integer(0, 0, 1'000'000); version != 1) {
      root["version"].problem("must be 1, the version of the format that this chatrelay reads");
    }
    file_.about = root["about"].string();
    read_base_url(root["base_url"]);
    read_settings_specs(root["settings"]);
    read_actions(root["actions"]);
    read_default_action(root["default_action"]);
    for (const config::Node& test : root["tests"].items()) {
      file_.tests.push_back(read_inline_test(test, file_));
    }
  }

 private:
  void read_base_url(const config::Node& node) {
    file_.base_url = node.string();
    if (file_.base_url.empty()) return;
    if (const Result<void> checked = check_url(file_.base_url); !checked) node.problem(checked.error().message);
  }

  void read_settings_specs(const config::Node& node) {
    if (!node.present()) return;
    if (!node.is_map()) return node.problem("must be a map of setting names");
    const std::vector<std::string>& common = config::common_destination_keys();
    for (const std::string& name : node.keys()) {
      const config::Node setting = node[name];
      const bool taken = name == "base_url" || name == "ca_file" || std::ranges::find(common, name) != common.end();
      if (taken) setting.problem("is a key that every destination has; choose another name");
      file_.settings.push_back(read_setting(name, setting));
    }
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

  void read_actions(const config::Node& node) {
    if (!node.is_map() || node.size() == 0) return node.problem("needs at least one action");
    for (const std::string& name : node.keys()) {
      if (!is_name(name)) node[name].problem("must be lower case letters, digits, - and _");
      file_.actions.emplace(name, read_action(name, node[name]));
    }
  }

  void read_default_action(const config::Node& node) {
    file_.default_action = node.string();
    if (file_.default_action.empty() && file_.actions.size() == 1) file_.default_action = file_.actions.begin()->first;
    if (!file_.default_action.empty() && !file_.actions.contains(file_.default_action)) {
      node.problem("names no action of this file");
    }
  }

  Action read_action(const std::string& name, const config::Node& node) {
    node.only({"about", "with", "event_as", "request", "idempotency", "outcome"});
    Action action;
    action.name = name;
    action.about = node["about"].string();
    read_with(node["with"], action.schema);
    action.event_as = node["event_as"].string();
    action.schema.whole_event_without_with = !action.event_as.empty();
    if (!action.event_as.empty() && !action.schema.with.contains(action.event_as)) {
      node["event_as"].problem("must name a key of `with`");
    }
    action.request = read_request(node["request"]);
    const config::Node idempotency = node["idempotency"];
    if (idempotency.present()) {
      idempotency.only({"header"});
      action.idempotency_header = idempotency["header"].required_string();
      const std::string& header = action.idempotency_header;
      if (!iequals_ascii(header, "webhook-id") && !check_header(header, ""))
        idempotency["header"].problem("is not a header that can be set");
    }
    for (const config::Node& rule : node["outcome"].items()) action.outcome.push_back(read_outcome(rule));
    return action;
  }

  void read_with(const config::Node& node, rules::ActionSchema& schema) {
    if (!node.present()) return;
    if (!node.is_map()) return node.problem("must be a map of the keys that a rule may give");
    for (const std::string& name : node.keys()) {
      const config::Node key = node[name];
      key.only({"required", "escape", "about"});
      rules::WithKey with;
      with.required = key["required"].boolean(false);
      with.escape = key["escape"].one_of<expression::Escape>(
          {{"none", expression::Escape::none}, {"url", expression::Escape::url}, {"html", expression::Escape::html}},
          expression::Escape::none);
      schema.with.emplace(name, with);
    }
  }

  RequestTemplate read_request(const config::Node& node) {
    node.only({"method", "url", "query", "headers", "encoding", "body", "sign"});
    RequestTemplate request;
    request.method = text_or(node["method"], "POST");
    if (!node["url"].present()) node.problem("needs url");
    request.url = text_or(node["url"], "");
    request.query = maps(node["query"]);
    request.headers = maps(node["headers"]);
    request.encoding = text_or(node["encoding"], "json");
    if (node["body"].present()) request.body = Template::parse(node["body"], builder_, problems_);
    if (const config::Node sign = node["sign"]; sign.present()) {
      sign.only({"standard_webhooks"});
      if (!sign["standard_webhooks"].present()) sign.problem("needs standard_webhooks: the secret");
      request.standard_webhooks = Template::parse(sign["standard_webhooks"], builder_, problems_);
    }
    check_constants(node, request);
    return request;
  }

  Template text_or(const config::Node& node, std::string_view fallback) {
    if (node.present()) return Template::parse(node, builder_, problems_);
    return Template::parse_text(fallback, node.where(), builder_, problems_);
  }

  std::vector<Template> maps(const config::Node& node) {
    std::vector<Template> all;
    for (const config::Node& one : node.items()) all.push_back(Template::parse(one, builder_, problems_));
    return all;
  }

  static void check_constants(const config::Node& node, const RequestTemplate& request) {
    const auto text = [](const Template& t) {
      return t.is_constant() && t.constant().is_string() ? std::string(t.constant().get_string()) : std::string{};
    };
    if (request.method.is_constant() && !is_method(text(request.method)))
      node["method"].problem("must be GET, POST, PUT, PATCH or DELETE");
    const std::string encoding = text(request.encoding);
    if (request.encoding.is_constant() && encoding != "json" && encoding != "form")
      node["encoding"].problem("must be json or form");
  }

  OutcomeRule read_outcome(const config::Node& node) {
    node.only({"status", "headers", "class", "reason", "wait", "destination_fault"});
    OutcomeRule rule;
    rule.where = node.where();
    for (const config::Node& status : node["status"].items()) read_status(status, rule.statuses);
    const config::Node headers = node["headers"];
    for (const std::string& name : headers.keys()) rule.headers.emplace_back(name, headers[name].string());
    if (rule.statuses.empty() && rule.headers.empty()) node.problem("matches everything: give it a status or headers");
    const config::Node klass = node["class"];
    if (!klass.present()) node.problem("needs class");
    // refresh_auth and partial come with auth kinds and batches, which this version of the format does not have.
    rule.klass = klass.one_of<OutcomeClass>({{"ok", OutcomeClass::ok},
                                             {"duplicate", OutcomeClass::duplicate},
                                             {"retry", OutcomeClass::retry},
                                             {"throttle", OutcomeClass::throttle},
                                             {"ambiguous", OutcomeClass::ambiguous},
                                             {"reject", OutcomeClass::reject},
                                             {"disable", OutcomeClass::disable}},
                                            OutcomeClass::reject);
    rule.reason = node["reason"].string();
    if (const config::Node wait = node["wait"]; wait.present()) {
      wait.only({"header", "unit"});
      rule.wait = WaitFrom{wait["header"].string("Retry-After"),
                           wait["unit"].one_of<bool>({{"s", false}, {"ms", true}}, false)};
    }
    if (node["destination_fault"].present()) rule.destination_fault = node["destination_fault"].boolean(false);
    return rule;
  }

  // 410, 2xx
  static void read_status(const config::Node& node, std::vector<StatusRange>& statuses) {
    const std::string text = node.string();
    const bool digits =
        text.size() == 3 && std::isdigit(static_cast<unsigned char>(text[0])) && text[0] >= '1' && text[0] <= '5';
    if (digits && text.substr(1) == "xx") {
      const int first = (text[0] - '0') * 100;
      return statuses.push_back({first, first + 99});
    }
    if (digits && std::isdigit(static_cast<unsigned char>(text[1])) &&
        std::isdigit(static_cast<unsigned char>(text[2]))) {
      const int status = std::stoi(text);
      return statuses.push_back({status, status});
    }
    node.problem("must be a status like 410 or a class like 5xx");
  }

  config::Problems& problems_;
  ConnectorFile& file_;
  expression::Builder& builder_;
};

}  // namespace

const Action* ConnectorFile::action(std::string_view wanted) const {
  const auto found = actions.find(std::string(wanted.empty() ? std::string_view(default_action) : wanted));
  return found == actions.end() ? nullptr : &found->second;
}

std::vector<std::string> ConnectorFile::destination_keys() const {
  std::vector<std::string> keys = config::common_destination_keys();
  keys.emplace_back("ca_file");
  if (!base_url.empty()) keys.emplace_back("base_url");
  for (const SettingSpec& spec : settings) keys.push_back(spec.name);
  return keys;
}

std::shared_ptr<const ConnectorFile> parse_connector(std::string_view text, const std::string& file,
                                                     config::Problems& problems) {
  config::Problems own;
  const auto connector = std::make_shared<ConnectorFile>();
  auto builder = std::make_shared<expression::Builder>();
  {
    const config::Node root = config::Document::parse(text, file, own, config::Environment::process());
    if (root.present() && !root.is_map()) {
      root.problem("is not a connector file");
    } else if (root.present()) {
      Reader(own, *connector, *builder).read(root);
    } else if (!own.has_errors()) {
      own.add({file, 0}, "is empty");
    }
  }
  connector->expressions = std::move(builder);
  problems.append(own);
  return own.has_errors() ? nullptr : connector;
}

}  // namespace chatrelay::destinations::connector
