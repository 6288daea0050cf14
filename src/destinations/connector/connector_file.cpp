#include "destinations/connector/connector_file.hpp"

#include "common/text.hpp"
#include "config/config.hpp"
#include "destinations/connector/file_reader.hpp"
#include "destinations/connector/url.hpp"

namespace chatrelay::destinations::connector {

namespace {

using expression::Template;

std::optional<Template> read_base_url(const config::Node& node, const FileReader& reader) {
  if (!node.present()) return std::nullopt;
  Template url = Template::parse(node, reader.builder, reader.problems);
  if (!url.is_constant()) return url;
  const json::string* text = url.constant().if_string();
  const Result<void> checked = check_url(text == nullptr ? std::string_view{} : std::string_view(*text));
  if (!checked) node.problem(checked.error().message);
  return url;
}

void read_actions(const config::Node& node, const FileReader& reader, ConnectorFile& file) {
  if (!node.is_map() || node.size() == 0) return node.problem("needs at least one action");
  for (const std::string& name : node.keys()) {
    if (!is_name(name)) node[name].problem("must be lower case letters, digits, - and _");
    file.actions.emplace(name, read_action(name, node[name], reader));
  }
}

void read_default_action(const config::Node& node, ConnectorFile& file) {
  file.default_action = node.string();
  if (file.default_action.empty() && file.actions.size() == 1) file.default_action = file.actions.begin()->first;
  if (!file.default_action.empty() && !file.actions.contains(file.default_action)) {
    node.problem("names no action of this file");
  } else if (file.default_action.empty() && !file.actions.empty()) {
    node.problem("is needed where there are several actions: the one that a rule means when it names none");
  }
}

void read_head(const config::Node& root, ConnectorFile& file) {
  root.only({"connector", "version", "about", "docs", "manual", "settings", "base_url", "auth", "limits", "outcome",
             "probe", "actions", "default_action", "tests"});
  file.where = root.where();
  file.name = root["connector"].required_string();
  if (!file.name.empty() && !is_name(file.name))
    root["connector"].problem("must be lower case letters, digits, - and _");
  if (root["version"].integer(0, 0, 1'000'000) != 1) {
    root["version"].problem("must be 1, the version of the format that this chatrelay reads");
  }
  file.about = root["about"].string();
  file.docs = root["docs"].string();
  if (root["manual"].present()) file.manual = literal_text(root["manual"]);
}

void read_file(const config::Node& root, const FileReader& reader, ConnectorFile& file) {
  read_head(root, file);
  file.settings = read_setting_specs(root["settings"]);
  file.base_url = read_base_url(root["base_url"], reader);
  file.auth = read_auth(root["auth"], reader.builder, reader.problems);
  file.limits = read_limits(root["limits"], reader);
  file.outcome = read_outcomes(root["outcome"], reader);
  if (root["probe"].present()) file.probe = read_probe(root["probe"], reader);
  read_actions(root["actions"], reader, file);
  read_default_action(root["default_action"], file);
  for (const config::Node& test : root["tests"].items()) file.tests.push_back(read_inline_test(test, file));
}

}  // namespace

const Action* ConnectorFile::action(std::string_view wanted) const {
  const auto found = actions.find(std::string(wanted.empty() ? std::string_view(default_action) : wanted));
  return found == actions.end() ? nullptr : &found->second;
}

std::vector<std::string> ConnectorFile::destination_keys() const {
  std::vector<std::string> keys = config::common_destination_keys();
  keys.emplace_back("ca_file");
  if (base_url) keys.emplace_back("base_url");
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
      read_file(root, FileReader{own, *builder}, *connector);
    } else if (!own.has_errors()) {
      own.add({file, 0}, "is empty");
    }
  }
  connector->expressions = std::move(builder);
  problems.append(own);
  return own.has_errors() ? nullptr : connector;
}

bool Step::only_reads() const {
  return request.method.is_constant() && request.method.constant().is_string() &&
         request.method.constant().get_string() == "GET";
}

bool Idempotency::is_known_again() const {
  return kind != Kind::none && !iequals_ascii(header, "webhook-id");
}

}  // namespace chatrelay::destinations::connector
