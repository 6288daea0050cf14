#include "destinations/connector/connector_destination.hpp"

#include "common/text.hpp"
#include "destinations/connector/registry.hpp"
#include "destinations/connector/request_builder.hpp"
#include "destinations/connector/url.hpp"
#include "destinations/kinds.hpp"
#include "destinations/outcome_text.hpp"

namespace chatrelay::destinations::connector {

namespace asio = boost::asio;

ConnectorDestination::ConnectorDestination(std::shared_ptr<const ConnectorFile> file, ConnectorOptions options,
                                           std::unique_ptr<expression::Program> program, const Context& context)
    : file_(std::move(file)),
      options_(std::move(options)),
      program_(std::move(program)),
      http_(context.http),
      clock_(context.clock) {}

void ConnectorDestination::limit(http::ClientRequest& request) const {
  request.timeout = options_.timeout;
  request.allow_private = options_.allow_private;
  request.ca_file = options_.ca_file;
  request.group = options_.name;
  // Who holds ambiguous deliveries means "never twice": then libcurl must not repeat a request on its own either.
  request.fresh_connection = options_.hold_ambiguous;
  // Outcomes are decided by status and headers; more of the body than is kept would only be thrown away. Some is read
  // beyond that, so that a secret which crosses the cut is still recognised and redacted.
  request.response_bytes_max = 2 * response_bytes_kept;
}

Result<http::ClientRequest> ConnectorDestination::build(const Attempt& attempt, json::value payload,
                                                        const Action& action) {
  const RequestInput input{*file_, action, options_.settings, options_.base_url, attempt, clock_.now()};
  Result<http::ClientRequest> request = build_request(input, std::move(payload), *program_);
  if (request) limit(*request);
  return request;
}

asio::awaitable<Outcome> ConnectorDestination::attempt(Attempt attempt) {
  const Action* action = file_->action(attempt.action);
  if (action == nullptr) {
    // Planned under an earlier configuration.
    co_return Outcome(OutcomeClass::reject,
                      bounded_reason("connector " + file_->name + " has no action \"" + attempt.action + "\""));
  }
  Result<http::ClientRequest> request = build(attempt, std::move(attempt.with), *action);
  if (!request) co_return Outcome(OutcomeClass::reject, bounded_reason("not sent: " + request.error().message));
  http::ClientRequest to_send = std::move(*request);
  const http::ClientResponse response = co_await http_.send(std::move(to_send));
  OutcomeContext context;
  context.now = clock_.now();
  co_return classify(action->outcome, response, context);
}

std::string ConnectorDestination::probe_url() const {
  if (!options_.base_url.empty()) return options_.base_url;
  for (const SettingSpec& spec : file_->settings) {
    if (spec.type != SettingType::url) continue;
    const json::value* url = options_.settings.if_contains(spec.name);
    if (url != nullptr && url->is_string()) return std::string(url->get_string());
  }
  return {};
}

asio::awaitable<Outcome> ConnectorDestination::probe() {
  http::ClientRequest request;
  request.method = "OPTIONS";
  request.url = probe_url();
  if (request.url.empty())
    co_return Outcome(OutcomeClass::reject, "connector " + file_->name + " has no fixed URL to try");
  limit(request);
  const http::ClientResponse response = co_await http_.send(std::move(request));
  if (response.progress != http::Progress::answered) co_return classify({}, response, OutcomeContext{});
  // Any answer proves name, address and TLS; a server that knows no OPTIONS says 404, 405 or 501.
  Outcome outcome(OutcomeClass::ok, "answers HTTP " + std::to_string(response.status) + " to OPTIONS");
  if (response.status == 401 || response.status == 403) outcome.reason += " (a probe carries no credentials)";
  if (response.status >= 500 && response.status != 501) {
    outcome.klass = OutcomeClass::retry;
    outcome.destination_fault = true;
  }
  outcome.status = response.status;
  outcome.response = kept_response(response.body);
  co_return outcome;
}

std::string ConnectorDestination::describe() const {
  std::string method;
  for (const SettingSpec& spec : file_->settings) {
    const json::value* value = options_.settings.if_contains(spec.name);
    if (spec.name == "method" && value != nullptr && value->is_string())
      method = std::string(value->get_string()) + " ";
  }
  return file_->name + ": " + method + shown_url(probe_url());
}

namespace {

std::shared_ptr<const ConnectorFile> find_file(const config::DestinationConfig& config, const Registry& registry,
                                               config::Problems* problems) {
  auto file = registry.find(config.connector);
  if (file || problems == nullptr) return file;
  const std::string_view near = registry.nearest_to(config.connector);
  problems->add(config.node["connector"].where(),
                "there is no connector \"" + config.connector + "\"" +
                    (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  return nullptr;
}

std::string read_base_url(const ConnectorFile& file, const config::DestinationConfig& config) {
  const config::Node node = config.node["base_url"];
  if (!node.present()) return file.base_url;
  const std::string url = node.string();
  if (const Result<void> checked = check_url(url); !checked) node.problem(checked.error().message);
  return url;
}

rules::Target schema(const Registry& registry, const config::DestinationConfig& config, config::Problems& problems) {
  rules::Target target;
  target.destination = config.name;
  const auto file = find_file(config, registry, &problems);
  if (!file) return target;
  config.node.only(file->destination_keys());
  read_settings(file->settings, config.node, SettingsOrigin::configuration);
  read_base_url(*file, config);
  target.default_action = file->default_action;
  for (const auto& [name, action] : file->actions) target.actions.emplace(name, action.schema);
  return target;
}

std::unique_ptr<Destination> make(const Registry& registry, const config::DestinationConfig& config,
                                  const Context& context, config::Problems& problems) {
  auto file = find_file(config, registry, &problems);
  if (!file) return nullptr;
  std::unique_ptr<expression::Program> program = file->expressions->build(problems);
  if (!program) return nullptr;
  ConnectorOptions options;
  options.name = config.name;
  options.settings = read_settings(file->settings, config.node, SettingsOrigin::configuration);
  options.base_url = read_base_url(*file, config);
  options.ca_file = config.node["ca_file"].path_value();
  options.timeout = config.timeout;
  options.allow_private = config.allow_private;
  options.hold_ambiguous = config.hold_ambiguous;
  return std::make_unique<ConnectorDestination>(std::move(file), std::move(options), std::move(program), context);
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
