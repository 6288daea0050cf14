#include "app/setup.hpp"

#include <algorithm>
#include <set>

#include "app/registry.hpp"
#include "destinations/connector/registry.hpp"

namespace chatrelay::app {

namespace {

std::string known_systems() {
  std::string names;
  for (const systems::SourceKind& kind : source_kinds())
    names += (names.empty() ? "" : ", ") + std::string(kind.system);
  return names;
}

const destinations::DestinationKind* find_kind(const std::vector<destinations::DestinationKind>& kinds,
                                               std::string_view name) {
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.kind == name; });
  return found == kinds.end() ? nullptr : &*found;
}

}  // namespace

std::shared_ptr<const Setup> Setup::load(const std::string& file, const config::Environment& environment) {
  std::shared_ptr<Setup> setup(new Setup);
  setup->config_ = config::load_config(file, setup->problems_, environment);
  setup->presence_ = presence::read_settings(setup->config_.presence);
  setup->read_sources();
  setup->check_served();
  const auto registry = destinations::connector::Registry::load(destinations::connector::shipped_connectors(),
                                                                setup->config_.connectors, setup->problems_);
  std::vector<std::string> served;
  for (const config::SourceConfig& source : setup->config_.sources)
    if (const auto* kind = serving_kind(source); kind && !kind->accompanies_hook) served.push_back(source.name);
  setup->kinds_ = destination_kinds(registry, std::move(served));
  setup->read_destinations(*registry);
  setup->catalog_.time_zone = setup->config_.transcripts.time_zone;
  setup->rules_ =
      rules::RuleSet::load(setup->config_.rules, setup->catalog_, setup->config_.tables, setup->problems_, environment);
  return setup;
}

void Setup::read_sources() {
  for (const config::SourceConfig& source : config_.sources) {
    catalog_.sources.push_back(source.name);
    const systems::SourceKind* kind = find_source_kind(source.system);
    if (!kind) {
      if (!source.system.empty())
        source.node["system"].problem("is \"" + source.system + "\"; it must be one of: " + known_systems());
      continue;
    }
    kind->make(source, config_.tables, problems_);
  }
  catalog_.sources.emplace_back(own_source);
}

void Setup::check_served() {
  for (const config::SourceConfig& source : config_.sources) {
    if (const systems::EndpointKind* kind = serving_kind(source)) {
      kind->check(source, config_, problems_);
      continue;
    }
    if (source.system.empty() || find_endpoint_kind(source.system) || !source.node["serve"].boolean(false)) continue;
    std::string names;
    for (const systems::EndpointKind& kind : endpoint_kinds())
      names += (names.empty() ? "" : ", ") + std::string(kind.system);
    source.node["serve"].problem("is true, but a source of system \"" + source.system +
                                 "\" serves nothing; these do: " + names);
  }
  check_hosts(config_);
}

void Setup::report_kind(const config::DestinationConfig& destination,
                        const destinations::connector::Registry& registry) const {
  if (registry.find(destination.kind)) {
    destination.node["kind"].problem("\"" + destination.kind +
                                     "\" is not a kind but a connector; write connector: " + destination.kind);
    return;
  }
  std::string names;
  for (const auto& known : kinds_)
    if (known.kind != "connector") names += (names.empty() ? "" : ", ") + std::string(known.kind);
  destination.node["kind"].problem("is \"" + destination.kind + "\"; it must be one of: " + names +
                                   " (a connector is named with `connector:`)");
}

void Setup::read_destinations(const destinations::connector::Registry& registry) {
  for (const config::DestinationConfig& destination : config_.destinations) {
    const destinations::DestinationKind* kind = find_kind(kinds_, destination.kind);
    if (!kind) {
      if (!destination.kind.empty()) report_kind(destination, registry);
      continue;
    }
    if (!destination.connector.empty() && !registry.find(destination.connector) &&
        find_kind(kinds_, destination.connector)) {
      destination.node["connector"].problem("\"" + destination.connector +
                                            "\" is not a connector but a kind; write kind: " + destination.connector);
      continue;
    }
    rules::Target target = kind->schema(destination, problems_);
    target.or_else = destination.node["or_else"];
    catalog_.targets.emplace(destination.name, std::move(target));
  }
}

config::Problems Setup::problems() const {
  const std::lock_guard lock(mutex_);
  config::Problems unique;
  std::set<std::pair<std::string, std::string>> seen;  // a node that is read twice reports twice
  for (const config::Problem& problem : problems_.list()) {
    if (!seen.emplace(problem.where.to_string(), problem.message).second) continue;
    if (problem.warning)
      unique.warn(problem.where, problem.message);
    else
      unique.add(problem.where, problem.message);
  }
  return unique;
}

std::map<std::string, std::unique_ptr<systems::Source>> Setup::make_sources() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::unique_ptr<systems::Source>> sources;
  for (const config::SourceConfig& source : config_.sources)
    if (const systems::SourceKind* kind = find_source_kind(source.system))
      if (auto made = kind->make(source, config_.tables, problems_)) sources.emplace(source.name, std::move(made));
  config::SourceConfig own;
  own.name = own_source;
  own.system = own_source;
  sources.emplace(own.name, own_source_kind().make(own, config_.tables, problems_));
  return sources;
}

std::map<std::string, ingest::ConfiguredSource> Setup::make_ingest_sources() const {
  auto made = make_sources();
  std::map<std::string, ingest::ConfiguredSource> sources;
  for (const config::SourceConfig& source : config_.sources) {
    const auto found = made.find(source.name);
    if (found != made.end()) sources.emplace(source.name, ingest::ConfiguredSource{source, std::move(found->second)});
  }
  return sources;
}

std::vector<ServedSource> Setup::make_served(const systems::EndpointContext& context) const {
  const std::lock_guard lock(mutex_);
  std::vector<ServedSource> made;
  for (const config::SourceConfig& source : config_.sources) {
    const systems::EndpointKind* kind = serving_kind(source);
    if (!kind) continue;
    ServedSource served;
    served.source = source.name;
    served.serves = kind->serves;
    served.named_in_query = kind->accompanies_hook;
    for (const std::string& host : source.node["hosts"].strings()) served.hosts.push_back(host_name(host));
    systems::EndpointContext own = context;
    own.body_bytes_max = source.body_bytes_max.value_or(config_.limits.body_bytes_max);
    served.endpoints = kind->make(source, own);
    made.push_back(std::move(served));
  }
  return made;
}

std::vector<deliver::ConfiguredDestination> Setup::make_destinations(const destinations::Context& context) const {
  const std::lock_guard lock(mutex_);
  std::vector<deliver::ConfiguredDestination> made;
  for (const config::DestinationConfig& destination : config_.destinations)
    if (const destinations::DestinationKind* kind = find_kind(kinds_, destination.kind))
      if (std::shared_ptr<destinations::Destination> object = kind->make(destination, context, problems_))
        made.push_back({destination, std::move(object)});
  return made;
}

std::shared_ptr<const deliver::PlannerSetup> Setup::planner_setup(const std::shared_ptr<const Setup>& self) const {
  auto setup = std::make_shared<deliver::PlannerSetup>();
  setup->rules = rules_;
  setup->catalog = std::shared_ptr<const rules::Catalog>(self, &catalog_);
  setup->time_zone = config_.transcripts.time_zone;
  setup->make_sources = [self] { return self->make_sources(); };
  for (const config::DestinationConfig& destination : config_.destinations)
    setup->destinations.push_back(destination.name);
  return setup;
}

}  // namespace chatrelay::app
