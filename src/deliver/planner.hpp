// Planner: the thread that turns stored webhooks into planned deliveries: decode → fold → rules → deliveries, one store
// transaction a batch. It finds work by its state, never by a cursor, so a restart needs no memory of where it was.
//
// Nothing it does can delay an answer to a sender: its thread runs at a lower priority, and the store serves appends
// first.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "presence/presence.hpp"
#include "rules/catalog.hpp"
#include "rules/rules.hpp"
#include "store/store.hpp"
#include "systems/source.hpp"

namespace chatrelay::deliver {

// Everything that a reload swaps, whole. Immutable; `make_sources` builds decoders for one thread.
struct PlannerSetup {
  std::shared_ptr<const rules::RuleSet> rules;
  std::function<std::map<std::string, std::unique_ptr<systems::Source>>()>
      make_sources;                               // by source name, "chatrelay" included
  Zone time_zone;                                 // of transcripts
  std::shared_ptr<const rules::Catalog> catalog;  // what destinations can be told, for deliveries made by hand
  std::vector<std::string>
      destinations;  // configured now; a delivery to a missing one is planned all the same and waits held by name
};

// What a replay would do, or did.
struct ReplayPlan {
  EventSeq event = 0;
  std::string event_id;
  std::vector<rules::Planned> deliveries;
  std::vector<store::RuleFailure> failures;
  std::vector<DeliverySeq> created;  // empty for a dry run
};

struct ReplayRequest {
  std::vector<EventSeq> events;
  std::string only_destination;  // empty: all
  std::string only_rule;
  bool dry_run = false;
  bool same_id = false;
};

class Planner {
 public:
  // Tells the presence what agents' routing statuses are, and asks it who is online for every event.
  Planner(store::Store& store, presence::Board& presence, std::shared_ptr<const PlannerSetup> setup, const Clock& clock,
          Metrics& metrics);
  ~Planner();
  void start();
  void stop();                                             // finishes the batch in hand; Thread: any
  void ring();                                             // there may be work; Thread: any, cheap
  void reload(std::shared_ptr<const PlannerSetup> setup);  // from the next batch on
  // Runs on the planner thread between batches; `done` is called there.
  void replay(ReplayRequest request, std::function<void(Result<std::vector<ReplayPlan>>)> done);
  // For the watchdog: since when the planner has been busy with one webhook, and the rule it evaluates. Thread: any.
  Millis busy_for() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chatrelay::deliver
