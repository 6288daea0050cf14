// DestinationRuntime: what the dispatcher knows of one destination while it runs, and a Flight: one delivery under way.
// Values and small rules about them; the dispatcher moves them. Thread: delivery.
#pragma once

#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "deliver/batches.hpp"
#include "deliver/circuit.hpp"
#include "deliver/dispatcher.hpp"
#include "deliver/lanes.hpp"
#include "deliver/rate_limit.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

struct DestinationRuntime;

// From its start until its outcome is committed.
struct Flight {
  std::shared_ptr<DestinationRuntime> runtime;
  store::StoredDelivery delivery;  // without its payload
  bool probe = false;              // of a half-open circuit
  bool ended = false;              // the attempt has an outcome (or was given up waiting for)
  bool quiet = false;              // its outcome's
  WallTime started_at;
  SteadyTime started{};
  SteadyTime overdue_at{};
  boost::asio::cancellation_signal signal;
  store::AttemptResult result;                         // once ended: what is being recorded
  std::list<std::shared_ptr<Flight>>::iterator place;  // in DestinationRuntime::active, while not ended
  // Of the first of a batch: those that left in the same request. They have no place, signal and probe of their own.
  std::vector<std::shared_ptr<Flight>> companions;
};

struct DestinationRuntime {
  DestinationRuntime(boost::asio::any_io_executor executor, ConfiguredDestination configured, Metrics& metrics);

  void configure(ConfiguredDestination next);
  void restore(const store::DestinationState& saved, WallTime wall, SteadyTime now);
  store::DestinationState to_save(WallTime wall, SteadyTime now) const;
  DestinationStatus status(WallTime wall, SteadyTime now) const;
  void count(OutcomeClass outcome);
  void show_circuit();
  std::size_t concurrency() const { return static_cast<std::size_t>(std::max<std::int64_t>(config.concurrency, 1)); }
  // How many heads are fetched ahead. Limit: 256, since each holds its payload.
  std::size_t window_size() const { return std::clamp<std::size_t>(concurrency() * 4, 64, 256); }
  std::size_t low_water() const { return window_size() / 4; }
  // May something be started at all, rate and circuit aside?
  bool stopped() const { return gone || paused || disabled; }

  config::DestinationConfig config;
  std::shared_ptr<destinations::Destination> destination;
  Metrics& metrics;

  LaneWindow window;
  Batches batches;  // heads that wait for others; in the window, and their lanes are under way
  Circuit circuit;
  std::optional<RateLimit> rate;
  bool gone = false;  // no longer configured: its deliveries wait for its name to return
  bool paused = false, disabled = false;
  std::string reason;  // of the pause or the disable
  WallTime changed_at;
  std::optional<SteadyTime> throttled_until;
  int throttles = 0;                          // in a row
  Millis longest_wait{0};                     // that was ever asked for: what "too far in the future" is compared with
  std::unordered_set<DeliverySeq> refreshed;  // deliveries that have met refresh_auth once. Limit: refreshed_max
  static constexpr std::size_t refreshed_max = 4096;

  std::list<std::shared_ptr<Flight>> active;  // requests under way, in the order they were started
  // Invariant 4: a head whose lane has an attempt under way waits for its end. Only a cancel makes such a head.
  std::unordered_set<LaneId> lanes_under_way;
  std::vector<std::pair<LaneId, DeliverySeq>> waits_for_lane;  // in the window, neither ready nor under way
  // Locks (links.hpp: lock_of) and whose they are: from before it is rendered until its attempt's outcome is committed,
  // so that the next one sees the links that this one saved.
  std::unordered_map<std::string, DeliverySeq> locks;
  std::vector<std::pair<std::string, DeliverySeq>> waits_for_lock;  // as waits_for_lane
  static constexpr std::size_t waits_for_lock_max = 1024;           // Limit: heads that wait for a lock
  // Heads that are being rendered, or that go their other way just now: in the window, neither ready nor under way.
  std::size_t aside = 0;
  static constexpr std::size_t aside_max = 64;  // Limit: more wait in the store, not here
  bool has_links = false;     // it remembers something, or did: only then an attempt's links are looked up
  std::size_t recording = 0;  // outcomes handed to the store, not committed
  // Limit: outcomes that a crash could make us find out again. A commit takes milliseconds; this covers 20 of them at
  // 10,000/s.
  static constexpr std::size_t recording_max = 256;

  boost::asio::steady_timer timer;
  std::optional<SteadyTime> armed_for;
  bool pumping = false;
  bool state_unsaved = false;
  SteadyTime next_error_line{};
  SteadyTime next_sweep{};
  SteadyTime next_future_check{};
  bool future_found = false;            // the last check found some: there may be more behind them
  std::optional<WallTime> looked_at;    // as of when heads were fetched last
  std::optional<SteadyTime> far_since;  // since when heads are due too far in the future

 private:
  std::array<Counter*, 9> attempts_{};  // by OutcomeClass
  Gauge& circuit_gauge_;
};

}  // namespace chatrelay::deliver
