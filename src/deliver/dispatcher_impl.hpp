// The dispatcher's inside, in six files: dispatcher.cpp (what operators and app ask), dispatcher_pump.cpp (what may
// start now, and when to look again), dispatcher_flights.cpp (an attempt from its start to its outcome's commit),
// batch_flights.cpp (the same for several in one request), dispatcher_ways.cpp (what happens to a delivery before its
// attempt or instead of it: locks, links, other ways), dispatcher_upkeep.cpp (what happens by the second: overdue
// attempts, alerts, gauges, clocks that jump).
// Thread: delivery, except where a callback of the store puts into an Inbox.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "common/async/inbox.hpp"
#include "common/async/task_group.hpp"
#include "deliver/dead_letters.hpp"
#include "deliver/destination_runtime.hpp"
#include "deliver/dispatcher.hpp"
#include "deliver/renderer.hpp"
#include "deliver/retry_policy.hpp"

namespace chatrelay::deliver {

class Dispatcher::Impl {
 public:
  using RuntimePtr = std::shared_ptr<DestinationRuntime>;
  using FlightPtr = std::shared_ptr<Flight>;

  Impl(boost::asio::any_io_executor executor, store::Store& store, const Clock& clock, Metrics& metrics, Raise raise);
  ~Impl();

  // dispatcher.cpp
  Result<void> start(std::vector<ConfiguredDestination> destinations);
  Result<void> configure(std::vector<ConfiguredDestination>& destinations);  // moved from, unless it fails
  void reload(std::vector<ConfiguredDestination> destinations);
  void try_reload();
  void pause(const std::string& name, std::string reason, std::function<void(Result<void>)> done);
  void resume(const std::string& name, std::function<void(Result<void>)> done);
  std::vector<DestinationStatus> status() const;
  DestinationRuntime* configured(const std::string& name);
  void save(DestinationRuntime& runtime, std::function<void(Result<void>)> done = {});
  boost::asio::awaitable<bool> drain(Millis limit);

  // dispatcher_pump.cpp
  void pump_all();
  void pump(DestinationRuntime& runtime);

  boost::asio::any_io_executor executor_;
  Inbox<char> bell_;

 private:
  struct Recorded {
    FlightPtr flight;
    Result<bool> result;
  };
  using Calls = Inbox<std::function<void()>>;
  using Records = Inbox<Recorded>;

  // dispatcher_pump.cpp
  void on_ring();
  void start_what_may_start(DestinationRuntime& runtime);
  std::size_t free_slots(DestinationRuntime& runtime, SteadyTime now);
  bool fetch(DestinationRuntime& runtime);
  void give_up_expired(DestinationRuntime& runtime);
  void arm(DestinationRuntime& runtime, SteadyTime at);
  void arm_for_next_due(DestinationRuntime& runtime);
  void reader_failed(DestinationRuntime& runtime, const Error& error);

  // dispatcher_flights.cpp
  std::optional<std::vector<store::StoredLink>> links_for(DestinationRuntime& runtime,
                                                          const store::StoredDelivery& delivery);
  bool launch(DestinationRuntime& runtime, store::StoredDelivery delivery);
  void note_beginning(const FlightPtr& flight, std::function<void()> start);
  void start_attempt(const FlightPtr& flight, Attempt attempt);
  FlightPtr new_flight(DestinationRuntime& runtime, store::StoredDelivery delivery, SteadyTime now);
  static boost::asio::awaitable<void> run(Impl* self, std::shared_ptr<bool> alive, FlightPtr flight,
                                          std::shared_ptr<destinations::Destination> destination, Attempt attempt);
  void ended(const FlightPtr& flight, Outcome outcome);
  void landed(DestinationRuntime& runtime, const FlightPtr& flight, Outcome& outcome);
  void leave_lane(DestinationRuntime& runtime, LaneId lane);
  static double random_fraction();
  Decision decision_on(DestinationRuntime& runtime, const Flight& flight, const Outcome& outcome, double random);
  bool tell_circuit(DestinationRuntime& runtime, CircuitEffect effect, bool probe, const std::string& reason);
  void carry_out(DestinationRuntime& runtime, const FlightPtr& flight, const Outcome& outcome, const Decision& decision,
                 bool& state_changed);
  void hand_over(DestinationRuntime& runtime, const FlightPtr& flight, const Outcome& outcome);
  void remember(DestinationRuntime& runtime, const FlightPtr& flight, Outcome& outcome);
  FlightPtr ended_flight(const RuntimePtr& runtime, store::StoredDelivery delivery);
  void record_cut(const RuntimePtr& runtime, store::StoredDelivery delivery);
  void bury(const RuntimePtr& runtime, store::StoredDelivery delivery, std::string reason);
  void record(const FlightPtr& flight);
  void on_recorded(std::vector<Recorded>&& records);
  void committed(const FlightPtr& flight, bool was_open);
  void disable(DestinationRuntime& runtime, const Flight& flight, const std::string& reason);
  void raise(const char* type, boost::json::object payload);
  RuntimePtr shared(DestinationRuntime& runtime) const;

  // batch_flights.cpp
  bool gather(DestinationRuntime& runtime, store::StoredDelivery& delivery, SteadyTime now);
  std::optional<Batches::Leaving> next_batch(DestinationRuntime& runtime, SteadyTime now, bool nothing_more);
  bool launch_batch(DestinationRuntime& runtime, Batches::Leaving leaving);
  bool still_waits(DestinationRuntime& runtime, std::vector<store::StoredDelivery>& deliveries);
  void send_late_ones_away(DestinationRuntime& runtime, std::vector<store::StoredDelivery>& deliveries);
  std::optional<std::vector<Attempt>> attempts_of(DestinationRuntime& runtime,
                                                  std::vector<store::StoredDelivery>& deliveries);
  void let_go(DestinationRuntime& runtime, const store::StoredDelivery& delivery);
  void let_gathered_go(DestinationRuntime& runtime);
  static boost::asio::awaitable<void> run_batch(Impl* self, std::shared_ptr<bool> alive, FlightPtr first,
                                                std::shared_ptr<destinations::Destination> destination,
                                                std::vector<Attempt> attempts);
  void start_batch(const FlightPtr& first, std::vector<Attempt> attempts);
  void batch_ended(const FlightPtr& first, std::vector<Outcome> outcomes);
  static void keep_together(DestinationRuntime& runtime, const std::vector<FlightPtr>& flights,
                            const std::vector<Outcome>& outcomes, std::vector<Decision>& decisions);

  // dispatcher_ways.cpp
  bool is_locked(const DestinationRuntime& runtime, const store::StoredDelivery& delivery) const;
  void take_lock(DestinationRuntime& runtime, const store::StoredDelivery& delivery);
  void release_lock(DestinationRuntime& runtime, const store::StoredDelivery& delivery);
  void wake_waiting(DestinationRuntime& runtime, const std::string& lock);
  void drop_stale_locks(DestinationRuntime& runtime);
  bool prepare(DestinationRuntime& runtime, store::StoredDelivery delivery);
  void rendered(const RuntimePtr& runtime, const std::shared_ptr<store::StoredDelivery>& delivery,
                const Result<std::string>& text);
  void prepared(const RuntimePtr& runtime, store::StoredDelivery& delivery, const Result<bool>& kept);
  store::OtherWay other_way(const store::StoredDelivery& delivery, const std::string& why, bool applied);
  void overtake(const RuntimePtr& runtime, const store::StoredDelivery& delivery);
  void overtaken(const RuntimePtr& runtime, DeliverySeq delivery, const Result<bool>& done);
  void overtake_overdue();
  bool take_aside(DestinationRuntime& runtime, DeliverySeq delivery);

  // dispatcher_upkeep.cpp
  void schedule_upkeep();
  void upkeep();
  void end_overdue(DestinationRuntime& runtime);
  void look_at_clock();
  void check_future(DestinationRuntime& runtime, bool suspicious = false);
  void show_backlog();

  store::Store& store_;
  const Clock& clock_;
  Metrics& metrics_;
  Raise raise_;
  std::shared_ptr<Records> records_;  // Lifetime: shared with the store's callbacks, which may come after us
  std::shared_ptr<Calls> calls_;
  std::unique_ptr<store::Reader> reader_;
  std::map<std::string, RuntimePtr, std::less<>> runtimes_;
  std::optional<std::vector<ConfiguredDestination>> reload_waits_;  // the store could not be read for it
  DeadLetters dead_letters_;
  SteadyTime next_record_line_{};
  std::vector<FlightPtr> unrecorded_;  // the store refused their outcome: handed over again by upkeep
  std::size_t flights_ = 0;            // started or being recorded
  std::set<DeliverySeq> overtaking_;   // handed to the store to go their other way

  boost::asio::steady_timer upkeep_timer_;
  boost::asio::steady_timer ring_timer_;
  boost::asio::steady_timer drained_;
  bool ring_pending_ = false;
  SteadyTime last_ring_{};
  unsigned upkeep_count_ = 0;
  bool draining_ = false;
  WallTime started_{};  // what was due before may have been under way when a kill ended us: nobody knows
  std::optional<WallTime> last_wall_;
  SteadyTime last_steady_{};
  std::optional<WallTime> jumped_from_;  // the wall time before the clock was set back; until it is reached again
  std::set<std::string> shown_;          // destinations whose backlog gauges exist

  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Lifetime: timers and attempts may outlive us
  TaskGroup attempts_;
  std::unique_ptr<Renderer> renderer_;  // made when the first delivery needs it
};

}  // namespace chatrelay::deliver
