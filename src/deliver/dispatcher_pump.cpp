// What may start now, and when to look again.
#include <algorithm>
#include <utility>

#include "common/log.hpp"
#include "common/units.hpp"
#include "deliver/dispatcher_impl.hpp"
#include "deliver/links.hpp"
#include "deliver/retry_policy.hpp"

namespace chatrelay::deliver {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;

// Rings come with every group commit, hundreds a second under load, and each looks at every destination.
constexpr milliseconds ring_every{2};
// A fetched head is trusted so long: an operator may cancel it meanwhile, which is then as if it had been under way.
constexpr seconds trust{1};
// Limit: no timer is longer, so a clock that jumps is noticed.
constexpr seconds look_again{30};
constexpr seconds after_reader_error{1};
}  // namespace

void Dispatcher::Impl::on_ring() {
  if (ring_pending_ || draining_ || !reader_) return;
  const SteadyTime now = clock_.steady();
  if (now - last_ring_ >= ring_every) {
    last_ring_ = now;
    pump_all();
    return;
  }
  ring_pending_ = true;
  ring_timer_.expires_after(ring_every);
  ring_timer_.async_wait([this, alive = alive_](const boost::system::error_code&) {
    if (!*alive) return;
    ring_pending_ = false;
    last_ring_ = clock_.steady();
    pump_all();
  });
}

void Dispatcher::Impl::pump_all() {
  look_at_clock();
  for (auto& [name, runtime] : runtimes_) {
    runtime->window.changed();
    pump(*runtime);
  }
}

void Dispatcher::Impl::pump(DestinationRuntime& runtime) {
  end_overdue(runtime);
  // An attempt that ends at once comes back here while we start the next one: the loop below sees its slot.
  if (draining_ || runtime.pumping) return;
  if (runtime.stopped()) return let_gathered_go(runtime);
  runtime.pumping = true;
  start_what_may_start(runtime);
  runtime.pumping = false;
  runtime.show_circuit();
}

void Dispatcher::Impl::start_what_may_start(DestinationRuntime& runtime) {
  runtime.window.forget_ready_older_than(clock_.steady() - trust);
  if (jumped_from_ && clock_.steady() >= runtime.next_future_check) check_future(runtime);
  runtime.batches.begin_round();
  for (;;) {
    const SteadyTime now = clock_.steady();
    if (draining_ || runtime.stopped()) return;
    if (runtime.throttled_until) {
      if (now < *runtime.throttled_until) return arm(runtime, *runtime.throttled_until);
      runtime.throttled_until.reset();
      runtime.window.changed();
    }
    if (free_slots(runtime, now) == 0) {
      if (runtime.circuit.state() == CircuitState::open) {
        let_gathered_go(runtime);
        give_up_expired(runtime);
      }
      if (const auto at = runtime.circuit.next_change(now, runtime.concurrency())) arm(runtime, *at);
      return;
    }
    if (runtime.rate) {
      const auto wait = runtime.rate->wait(now);
      if (wait.count() > 0) return arm(runtime, now + std::chrono::duration_cast<SteadyTime::duration>(wait));
    }
    if (auto batch = next_batch(runtime, now, false)) {
      if (!launch_batch(runtime, std::move(*batch))) return;
      continue;
    }
    if (runtime.aside >= DestinationRuntime::aside_max) {  // the end of each of them comes back here
      if (const auto at = runtime.batches.next_leave()) arm(runtime, *at);
      return;
    }
    if (runtime.window.wants_fetch(runtime.low_water()) && !fetch(runtime)) return;
    std::optional<store::StoredDelivery> next = runtime.window.take();
    if (!next) {
      if (auto batch = next_batch(runtime, now, true)) {
        if (!launch_batch(runtime, std::move(*batch))) return;
        continue;
      }
      if (const auto at = runtime.batches.next_leave()) arm(runtime, *at);
      if (const auto at = runtime.circuit.next_change(now, runtime.concurrency())) arm(runtime, *at);
      return arm_for_next_due(runtime);
    }
    if (runtime.lanes_under_way.contains(next->lane)) {
      runtime.waits_for_lane.emplace_back(next->lane, next->seq);
      continue;
    }
    if (is_locked(runtime, *next)) {
      if (runtime.waits_for_lock.size() < DestinationRuntime::waits_for_lock_max) {
        runtime.waits_for_lock.emplace_back(lock_of(*next), next->seq);
        continue;
      }
      runtime.window.give_back(std::move(*next), now);  // the end of an attempt comes back here
      if (const auto at = runtime.batches.next_leave()) arm(runtime, *at);
      return;
    }
    if (next->deadline && *next->deadline <= clock_.now()) {
      overtake(shared(runtime), *next);
      continue;
    }
    if (next->begun) {
      record_cut(shared(runtime), std::move(*next));
      continue;
    }
    if (gather(runtime, *next, now)) continue;
    const bool goes_on = next->inputs.empty() ? launch(runtime, std::move(*next)) : prepare(runtime, std::move(*next));
    if (!goes_on) return;
  }
}

std::size_t Dispatcher::Impl::free_slots(DestinationRuntime& runtime, SteadyTime now) {
  if (runtime.recording >= DestinationRuntime::recording_max) return 0;
  const std::size_t allowed = runtime.circuit.allowed(now, runtime.concurrency());
  // The probe does not wait for what hangs from before the circuit opened.
  if (runtime.circuit.state() == CircuitState::half_open) return allowed;
  return allowed - std::min(allowed, runtime.active.size());
}

// False: the store cannot be read just now.
bool Dispatcher::Impl::fetch(DestinationRuntime& runtime) {
  const std::size_t limit = runtime.window_size() - std::min(runtime.window_size() - 1, runtime.window.ready());
  const WallTime wall = clock_.now();
  auto heads = reader_->due(runtime.config.name, wall, limit, runtime.window.taken());
  if (!heads) {
    reader_failed(runtime, heads.error());
    return false;
  }
  runtime.looked_at = wall;
  runtime.window.fetched(std::move(*heads), limit, clock_.steady());
  return true;
}

// While the circuit is open nothing is tried, but give_up_after still holds: what was tried before and is too old dies
// here.
void Dispatcher::Impl::give_up_expired(DestinationRuntime& runtime) {
  const SteadyTime now = clock_.steady();
  if (now < runtime.next_sweep) return;
  runtime.next_sweep = now + seconds(1);
  arm(runtime, now + seconds(1));
  const WallTime wall = clock_.now();
  auto heads = reader_->due(runtime.config.name, wall, runtime.window_size(), runtime.window.taken());
  if (!heads) return reader_failed(runtime, heads.error());
  for (store::StoredDelivery& head : *heads) {
    if (!expired(wall, head.first_pending_at, head.attempts, runtime.config.retry)) continue;
    std::string reason = "given up after " + format_duration(runtime.config.retry.give_up_after) +
                         ", the destination does not answer: " + head.reason;
    bury(shared(runtime), std::move(head), std::move(reason));
  }
}

void Dispatcher::Impl::arm(DestinationRuntime& runtime, SteadyTime at) {
  const SteadyTime now = clock_.steady();
  at = std::clamp<SteadyTime>(at, now + milliseconds(1), now + look_again);
  if (runtime.armed_for && *runtime.armed_for <= at && *runtime.armed_for > now) return;  // it looks again before that
  runtime.armed_for = at;
  runtime.timer.expires_after(at - now);
  runtime.timer.async_wait(
      [this, alive = alive_, weak = std::weak_ptr(shared(runtime))](const boost::system::error_code& error) {
        const RuntimePtr woken = weak.lock();
        if (error || !*alive || !woken) return;
        woken->armed_for.reset();
        woken->window.changed();
        pump(*woken);
      });
}

void Dispatcher::Impl::arm_for_next_due(DestinationRuntime& runtime) {
  // A clock that was set back shows its deliveries a few at a time.
  if (jumped_from_ && runtime.future_found) arm(runtime, runtime.next_future_check);
  const WallTime wall = clock_.now();
  // From the last look on: what became due since then must not be passed over.
  const auto next = reader_->next_due(runtime.config.name, std::min(wall, runtime.looked_at.value_or(wall)));
  if (!next) return reader_failed(runtime, next.error());
  if (!*next) return;  // a ring, or the outcome of what is under way, will wake us
  const Millis wait = std::min<Millis>(**next - wall, look_again);
  arm(runtime, clock_.steady() + wait + milliseconds(1));  // the wall clock's millisecond has begun by then
}

void Dispatcher::Impl::reader_failed(DestinationRuntime& runtime, const Error& error) {
  const SteadyTime now = clock_.steady();
  if (now >= runtime.next_error_line) {
    log::error("deliveries cannot be read", {{"destination", runtime.config.name}, {"error", error.message}});
    runtime.next_error_line = now + std::chrono::minutes(1);
  }
  runtime.window.changed();
  arm(runtime, now + after_reader_error);
}

}  // namespace chatrelay::deliver
