// Setup: what a configuration file means, loaded and checked as a whole: sources, destinations, connectors, rules.
//
// Loading finds every problem it can before it gives up. A Setup without errors is immutable and may be shared; serve
// starts from one, a reload swaps one for another, `check` only looks at one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/served.hpp"
#include "config/config.hpp"
#include "deliver/dispatcher.hpp"
#include "deliver/planner.hpp"
#include "destinations/destination.hpp"
#include "ingest/hooks.hpp"
#include "presence/settings.hpp"
#include "rules/rules.hpp"
#include "systems/source.hpp"

namespace chatrelay::destinations::connector {
class Registry;
}

namespace chatrelay::app {

class Setup {
 public:
  // Never nullptr. Use it only if problems().has_errors() is false.
  static std::shared_ptr<const Setup> load(const std::string& file, const config::Environment& environment);

  const config::Config& config() const { return config_; }
  const rules::Catalog& catalog() const { return catalog_; }
  const std::shared_ptr<const rules::RuleSet>& rules() const { return rules_; }
  const presence::Settings& presence() const { return presence_; }
  // Each problem once, in file order. Problems of destinations appear after make_destinations only where a kind finds
  // them late.
  config::Problems problems() const;

  // Decoders for one thread, by source name, "chatrelay" included. Thread: any.
  std::map<std::string, std::unique_ptr<systems::Source>> make_sources() const;
  // The same for ingest, with their configuration.
  std::map<std::string, ingest::ConfiguredSource> make_ingest_sources() const;
  // What the served sources serve. Thread: as for Endpoints.
  std::vector<ServedSource> make_served(const systems::EndpointContext& context) const;
  // The destinations themselves; adds their problems to problems().
  std::vector<deliver::ConfiguredDestination> make_destinations(const destinations::Context& context) const;
  std::shared_ptr<const deliver::PlannerSetup> planner_setup(const std::shared_ptr<const Setup>& self) const;

 private:
  Setup() = default;
  void read_sources();
  void check_served();
  void read_destinations(const destinations::connector::Registry& registry);
  void report_kind(const config::DestinationConfig& destination,
                   const destinations::connector::Registry& registry) const;

  mutable std::mutex mutex_;           // nodes write to problems_ when they are read, whatever the thread
  mutable config::Problems problems_;  // Lifetime: declared before config_, whose nodes refer to it
  config::Config config_;
  rules::Catalog catalog_;
  std::vector<destinations::DestinationKind> kinds_;
  std::shared_ptr<const rules::RuleSet> rules_;
  presence::Settings presence_;
};

}  // namespace chatrelay::app
