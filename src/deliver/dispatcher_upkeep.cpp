// What happens by the second, whether something rings or not.
#include <utility>

#include "common/log.hpp"
#include "deliver/dispatcher_impl.hpp"

namespace chatrelay::deliver {

namespace {
constexpr std::chrono::seconds upkeep_every{1};
constexpr unsigned gauges_every = 5;  // upkeeps
constexpr unsigned look_every = 30;   // upkeeps: whatever was not rung for is found then
constexpr std::size_t future_heads_max = 256;
constexpr std::chrono::milliseconds future_check_every{200};
constexpr Millis jump_noticed{2'000};  // less is an ordinary correction, and waits are not that exact
}  // namespace

void Dispatcher::Impl::schedule_upkeep() {
  upkeep_timer_.expires_after(upkeep_every);
  upkeep_timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (error || !*alive) return;
    upkeep();
    schedule_upkeep();
  });
}

void Dispatcher::Impl::upkeep() {
  ++upkeep_count_;
  look_at_clock();
  if (reload_waits_) try_reload();
  for (auto& [name, runtime] : runtimes_) {
    end_overdue(*runtime);
    if (runtime->state_unsaved) save(*runtime);
    drop_stale_locks(*runtime);
  }
  overtake_overdue();
  for (const FlightPtr& flight : std::exchange(unrecorded_, {})) record(flight);
  for (auto& payload : dead_letters_.due(clock_.steady())) raise(event_type::delivery_dead, std::move(payload));
  if (upkeep_count_ % gauges_every == 0) show_backlog();
  if (draining_ || upkeep_count_ % look_every != 0) return;
  for (auto& [name, runtime] : runtimes_) check_future(*runtime);
  pump_all();
}

// A destination that keeps its own time never gets here; one that does not must not keep its slot for ever.
void Dispatcher::Impl::end_overdue(DestinationRuntime& runtime) {
  const SteadyTime now = clock_.steady();
  while (!runtime.active.empty() && now >= runtime.active.front()->overdue_at) {
    const FlightPtr flight = runtime.active.front();
    log::error("an attempt did not end in time and was cut",
               {{"destination", runtime.config.name}, {"delivery", flight->delivery.id}});
    Outcome outcome(OutcomeClass::ambiguous, "no answer in time");
    outcome.destination_fault = true;
    ended(flight, std::move(outcome));
    flight->signal.emit(boost::asio::cancellation_type::terminal);
  }
}

void Dispatcher::Impl::look_at_clock() {
  const WallTime wall = clock_.now();
  const SteadyTime steady = clock_.steady();
  if (last_wall_) {
    const WallTime expected = *last_wall_ + std::chrono::duration_cast<Millis>(steady - last_steady_);
    if (expected - wall > jump_noticed) {
      log::warn("the clock was set back", {{"by_ms", (expected - wall).count()}});
      jumped_from_ = std::max(jumped_from_.value_or(expected), expected);
      for (auto& [name, runtime] : runtimes_) runtime->next_future_check = {};
    }
  }
  if (jumped_from_ && wall >= *jumped_from_) jumped_from_.reset();
  last_wall_ = wall;
  last_steady_ = steady;
}

// A clock that was set back leaves deliveries due in what is the future again. Those that were never tried are due at
// once (they were created in the future, which nothing else explains); the others after their longest possible
// back-off. `suspicious`: look closely once, as after a start, since the clock may have been set back while we did not
// run.
void Dispatcher::Impl::check_future(DestinationRuntime& runtime, bool suspicious) {
  if (runtime.gone || !reader_) return;
  const SteadyTime now = clock_.steady();
  const WallTime wall = clock_.now();
  const Millis longest = std::max(runtime.config.retry.max, runtime.longest_wait);
  runtime.next_future_check = now + future_check_every;
  runtime.future_found = false;
  // One look at an index says whether there is anything strange; the heads are fetched only then.
  const auto next = reader_->next_due(runtime.config.name, jumped_from_ || suspicious ? wall : wall + longest);
  if (!next || !*next) {
    if (next) runtime.far_since.reset();
    return;
  }
  const WallTime end = std::max(**next, jumped_from_.value_or(**next)) + std::chrono::hours(24 * 366);
  auto heads = reader_->due(runtime.config.name, end, future_heads_max, runtime.window.taken());
  if (!heads) return;
  bool far = false;
  for (store::StoredDelivery& head : *heads) {
    if (head.due_at <= wall) continue;
    if (head.state == DeliveryState::pending && head.created_at > wall + jump_noticed) {
      jumped_from_ = std::max(jumped_from_.value_or(head.created_at), head.created_at);
      runtime.window.add(std::move(head), now);
      runtime.future_found = true;
      continue;
    }
    if (head.due_at <= wall + longest) continue;
    far = true;
    if (runtime.far_since && now - *runtime.far_since >= longest) runtime.window.add(std::move(head), now);
  }
  if (!far) runtime.far_since.reset();
  if (far && !runtime.far_since) runtime.far_since = now;
}

void Dispatcher::Impl::show_backlog() {
  const auto backlog = reader_->backlog();
  if (!backlog) return;
  const WallTime wall = clock_.now();
  const auto depth = [this](const std::string& name, const char* state, std::uint64_t count) {
    metrics_.gauge("chatrelay_queue_depth", "Open and dead deliveries", {{"destination", name}, {"state", state}})
        .set(static_cast<double>(count));
  };
  std::set<std::string> emptied = std::exchange(shown_, {});
  const auto show = [&](const store::DestinationBacklog& entry) {
    depth(entry.destination, "pending", entry.pending);
    depth(entry.destination, "deferred", entry.deferred);
    depth(entry.destination, "held", entry.held);
    depth(entry.destination, "dead", entry.dead);
    const double age = entry.oldest ? std::max(0.0, std::chrono::duration<double>(wall - *entry.oldest).count()) : 0.0;
    metrics_
        .gauge("chatrelay_queue_age_seconds", "Age of the oldest open delivery", {{"destination", entry.destination}})
        .set(age);
  };
  for (const store::DestinationBacklog& entry : *backlog) {
    show(entry);
    shown_.insert(entry.destination);
    emptied.erase(entry.destination);
  }
  for (const std::string& name : emptied) {
    store::DestinationBacklog none;
    none.destination = name;
    show(none);
  }
  for (const auto& [name, runtime] : runtimes_)
    metrics_.gauge("chatrelay_under_way", "Attempts under way", {{"destination", name}})
        .set(static_cast<double>(runtime->active.size()));
}

}  // namespace chatrelay::deliver
