// Core: what the writer thread owns: its connection and everything it keeps in memory beside it. And the writes
// themselves, each of which runs inside a transaction of the writer's; one that throws is rolled back together with
// what it changed in memory.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/counters.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/dedup.hpp"
#include "store/sqlite/names.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace chatrelay::store::sqlite {

class Salts {
 public:
  std::uint32_t next();

 private:
  std::array<std::uint32_t, 1024> values_{};  // from the kernel a page at a time
  std::size_t used_ = values_.size();
};

// A plan whose JSON is text already: made by the caller's thread, so that the writer's has nothing to do but write.
struct ReadyPlan {
  explicit ReadyPlan(Plan&& from);
  Plan plan;                          // state and messages of its conversation are taken out
  std::string state;                  // ConversationUpdate::state
  std::vector<std::string> messages;  // StoredMessage::message, one for each
};

struct Core {
  Core(const Options& options, const Clock& clock);
  void load();

  struct Mark {
    std::size_t names, counters, dedup;
  };
  Mark mark() const { return {names.mark(), counters.mark(), dedup.mark()}; }
  void roll_back(const Mark& mark);  // to a savepoint
  void roll_back_all();
  void committed();

  const Options& options;
  Connection db;
  Names names;
  Counters counters;
  Dedup dedup;
  Salts salts;
  bool events_added = false, lanes_changed = false;  // in this transaction: which doorbells ring after it
};

// events
Appended append_event(Core& core, const NewEvent& event);
EventSeq insert_event(Core& core, const NewEvent& event);  // without de-duplication

// commands. Lets SqlError pass; what else the body throws becomes CommandFailed.
struct CommandFailed {
  std::string reason;
};
void run_command(Core& core, const Store::Command& body);

// planning; appends the seqs of the new deliveries. A webhook that is planned already, or gone, changes nothing.
void apply_plan(Core& core, const ReadyPlan& plan, std::vector<DeliverySeq>& created);

// deliveries
DeliverySeq insert_delivery(Core& core, EventSeq event, const NewDelivery& delivery, WallTime now);
bool record_attempt(Core& core, const AttemptResult& result);
bool retry_delivery(Core& core, DeliverySeq delivery, WallTime now);
bool cancel_delivery(Core& core, DeliverySeq delivery, const std::string& reason, WallTime now);
std::size_t release_held_some(Core& core, std::int64_t destination, WallTime now, std::size_t limit);
std::vector<DeliverySeq> replay_event(Core& core, EventSeq event, const std::vector<NewDelivery>& deliveries,
                                      bool same_id, WallTime now);
void save_destination_state(Core& core, const DestinationState& state);
bool render_delivery(Core& core, DeliverySeq delivery, const std::string& payload);
bool overtake_delivery(Core& core, DeliverySeq delivery, const OtherWay& how, WallTime now);

// What only some deliveries have (delivery_details.cpp): what they are rendered from, their deadline, their progress.
void insert_details(Core& core, DeliverySeq delivery, const NewDelivery& d);
void replace_details(Core& core, DeliverySeq delivery, const NewDelivery& d);
void keep_progress(Core& core, DeliverySeq delivery, const std::string& progress);
void keep_begun(Core& core, DeliverySeq delivery);
void end_begun(Core& core, DeliverySeq delivery);
void keep_note(Core& core, DeliverySeq delivery, const std::string& note);
void end_details(Core& core, DeliverySeq delivery);  // it ended: progress and other way are over
std::optional<NewDelivery> other_way_of(Core& core, DeliverySeq delivery);

// links
void save_links(Core& core, std::int64_t destination, const AttemptResult& result);

// Retention. A pass goes once over everything that is old enough, a few rows at a time; it remembers where it is.
class Pruner {
 public:
  // Removes and looks at a few rows. The number removed; sets `pass_done` when the pass is through (the next call
  // begins a new one).
  std::size_t step(Core& core, const Store::RetentionLimits& before, std::size_t limit, bool& pass_done);
  bool between_phases() const { return !phase_begun_; }

 private:
  std::size_t deliveries(Core& core, WallTime before, std::size_t limit);
  std::size_t events(Core& core, WallTime before, std::size_t limit);
  std::size_t chats(Core& core, WallTime before, std::size_t limit);
  // Conversations of our own (prune_own.cpp).
  std::size_t rooms_of_gone_visitors(Core& core, std::size_t limit);
  std::size_t own_rooms(Core& core, WallTime before, std::size_t limit);
  std::size_t messages_of_gone_rooms(Core& core, std::size_t limit);
  std::size_t own_visitors(Core& core, WallTime before, std::size_t limit);
  std::size_t links(Core& core, WallTime before, std::size_t limit);  // links.cpp
  std::size_t step_of_phase(Core& core, const Store::RetentionLimits& before, std::size_t limit);
  std::uint64_t bound_of_phase(Core& core, const Store::RetentionLimits& before);
  std::uint64_t bound(Core& core, Counters::Range kind, WallTime before);
  int phase_ = 0;
  std::int64_t at_ = 0;      // the last number looked at in this phase
  std::uint64_t bound_ = 0;  // no number from here on is old enough
  bool phase_begun_ = false;
};

}  // namespace chatrelay::store::sqlite
