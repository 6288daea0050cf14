// The connectors as a kind of destination: what rules may say to one, and the making of one from its configuration.
#include <array>

#include "destinations/connector/connector_destination.hpp"
#include "destinations/connector/registry.hpp"
#include "destinations/connector/url.hpp"
#include "destinations/kinds.hpp"

namespace chatrelay::destinations::connector {

namespace {

std::shared_ptr<const ConnectorFile> find_file(const config::DestinationConfig& config, const Registry& registry,
                                               config::Problems& problems) {
  auto file = registry.find(config.connector);
  if (file) return file;
  const std::string_view near = registry.nearest_to(config.connector);
  problems.add(config.node["connector"].where(),
               "there is no connector \"" + config.connector + "\"" +
                   (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  return nullptr;
}

// The destination's own; empty: the file's.
std::string read_base_url(const config::DestinationConfig& config) {
  const config::Node node = config.node["base_url"];
  if (!node.present()) return {};
  const std::string url = node.string();
  if (const Result<void> checked = check_url(url); !checked) node.problem(checked.error().message);
  return url;
}

rules::Target schema(const Registry& registry, const config::DestinationConfig& config, config::Problems& problems) {
  rules::Target target;
  target.destination = config.name;
  const auto file = find_file(config, registry, problems);
  if (!file) return target;
  config.node.only(file->destination_keys());
  read_settings(file->settings, config.node, SettingsOrigin::configuration);
  read_base_url(config);
  target.default_action = file->default_action;
  for (const auto& [name, action] : file->actions) target.actions.emplace(name, action.schema);
  return target;
}

ConnectorOptions read_options(const ConnectorFile& file, const config::DestinationConfig& config) {
  ConnectorOptions options;
  options.name = config.name;
  options.settings = read_settings(file.settings, config.node, SettingsOrigin::configuration);
  options.base_url = read_base_url(config);
  options.ca_file = config.node["ca_file"].path_value();
  options.timeout = config.timeout;
  options.allow_private = config.allow_private;
  options.hold_ambiguous = config.hold_ambiguous;
  return options;
}

AuthOptions auth_options(const ConnectorOptions& options, const Context& context) {
  AuthOptions auth;
  auth.destination = options.name;
  auth.store_key = context.store_key;
  auth.ca_file = options.ca_file;
  auth.allow_private = options.allow_private;
  auth.timeout = options.timeout;
  return auth;
}

Result<std::vector<LimitRule>> limit_rules(const ConnectorFile& file, const json::object& settings,
                                           expression::Program& program) {
  std::vector<LimitRule> rules;
  const json::value seen(json::object{{"settings", settings}});
  for (std::size_t position = 0; position < file.limits.size(); ++position) {
    const LimitSpec& spec = file.limits[position];
    std::array<json::value, 4> values;
    const std::array<const expression::Template*, 4> parts{&spec.key, &spec.rate, &spec.burst, &spec.concurrency};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      auto rendered = parts[i]->render(program, seen);
      if (!rendered) return Error(rendered.error().kind, "limits: " + rendered.error().message);
      if (*rendered) values[i] = std::move(**rendered);
    }
    // A setting that is not given leaves its limit out.
    if (values[0].is_null() || (values[1].is_null() && values[3].is_null())) continue;
    Result<LimitRule> rule = limit_rule(values[0], values[1], values[2], values[3]);
    if (!rule) return rule.error();
    rule->position = position;
    rules.push_back(std::move(*rule));
  }
  return rules;
}

std::unique_ptr<Destination> make(const Registry& registry, const config::DestinationConfig& config,
                                  const Context& context, config::Problems& problems) {
  const auto file = find_file(config, registry, problems);
  if (!file) return nullptr;
  const std::shared_ptr<expression::Program> program = file->expressions->build(problems);
  if (!program) return nullptr;
  ConnectorOptions options = read_options(*file, config);
  auto auth = make_auth(file->auth, options.settings, program, context, auth_options(options, context));
  if (!auth) {
    config.node.problem(auth.error().message);
    return nullptr;
  }
  const auto limits = limit_rules(*file, options.settings, *program);
  if (!limits) {
    config.node.problem(limits.error().message);
    return nullptr;
  }
  LimitSet shared =
      context.limits ? context.limits->join(file->name, *limits) : SharedLimits().join(file->name, *limits);
  return std::make_unique<ConnectorDestination>(file, std::move(options), program, std::move(*auth), std::move(shared),
                                                context);
}

}  // namespace

}  // namespace chatrelay::destinations::connector

namespace chatrelay::destinations {

DestinationKind connector_kind(std::shared_ptr<const connector::Registry> registry) {
  DestinationKind kind;
  kind.kind = "connector";
  kind.schema = [registry](const config::DestinationConfig& config, config::Problems& problems) {
    return connector::schema(*registry, config, problems);
  };
  kind.make = [registry](const config::DestinationConfig& config, const Context& context, config::Problems& problems) {
    return connector::make(*registry, config, context, problems);
  };
  return kind;
}

}  // namespace chatrelay::destinations
