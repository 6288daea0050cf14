// What happens to a delivery before its attempt, and instead of it: it is rendered at the head of its lane, it waits
// for a lock, it goes its other way at the deadline.
#include <algorithm>
#include <set>
#include <utility>

#include "common/log.hpp"
#include "deliver/dispatcher_impl.hpp"
#include "deliver/links.hpp"
#include "deliver/retry_policy.hpp"

namespace chatrelay::deliver {

namespace {
constexpr std::size_t overdue_max = 256;  // Limit: deliveries that one look sends their other way
constexpr std::chrono::seconds after_store_error{1};
}  // namespace

// ---- locks

bool Dispatcher::Impl::is_locked(const DestinationRuntime& runtime, const store::StoredDelivery& delivery) const {
  if (!delivery.lock) return false;
  const auto held = runtime.locks.find(lock_of(delivery));
  return held != runtime.locks.end() && held->second != delivery.seq;
}

void Dispatcher::Impl::take_lock(DestinationRuntime& runtime, const store::StoredDelivery& delivery) {
  if (std::string lock = lock_of(delivery); !lock.empty()) runtime.locks[std::move(lock)] = delivery.seq;
}

void Dispatcher::Impl::release_lock(DestinationRuntime& runtime, const store::StoredDelivery& delivery) {
  const std::string lock = lock_of(delivery);
  const auto held = runtime.locks.find(lock);
  if (lock.empty() || held == runtime.locks.end() || held->second != delivery.seq) return;
  runtime.locks.erase(held);
  wake_waiting(runtime, lock);
}

// The first one is read again, and takes the lock. Not all of them: a thousand that wait for one visitor would be read
// a thousand times.
void Dispatcher::Impl::wake_waiting(DestinationRuntime& runtime, const std::string& lock) {
  const auto first = std::ranges::find(runtime.waits_for_lock, lock, &std::pair<std::string, DeliverySeq>::first);
  if (first == runtime.waits_for_lock.end()) return;
  runtime.window.done(first->second);
  runtime.waits_for_lock.erase(first);
}

// A lock is taken before its delivery is rendered, and kept until its attempt is over. One that was cancelled between
// the two, or dropped by a pause, is no longer in the window.
void Dispatcher::Impl::drop_stale_locks(DestinationRuntime& runtime) {
  std::vector<std::string> stale;
  for (const auto& [lock, owner] : runtime.locks)
    if (!runtime.window.has(owner)) stale.push_back(lock);
  for (const std::string& lock : stale) runtime.locks.erase(lock);
  // Who was woken may have been cancelled before it took the lock: then the next one is woken here.
  std::set<std::string> free(stale.begin(), stale.end());
  for (const auto& [lock, waiting] : runtime.waits_for_lock)
    if (!runtime.locks.contains(lock)) free.insert(lock);
  for (const std::string& lock : free) wake_waiting(runtime, lock);
  if (!free.empty()) pump(runtime);
}

// ---- rendering

// False: the store cannot be read just now.
bool Dispatcher::Impl::prepare(DestinationRuntime& runtime, store::StoredDelivery delivery) {
  const auto links = reader_->links(subject_of(delivery.origin), "");
  if (!links) {
    runtime.window.done(delivery.seq);
    reader_failed(runtime, links.error());
    return false;
  }
  take_lock(runtime, delivery);
  ++runtime.aside;
  if (!renderer_) renderer_ = std::make_unique<Renderer>();
  std::string inputs = std::move(delivery.inputs);
  delivery.inputs.clear();
  const auto waiting = std::make_shared<store::StoredDelivery>(std::move(delivery));
  renderer_->render(runtime.config.name, std::move(inputs), links_of_destinations(*links),
                    [this, alive = alive_, keep = shared(runtime), waiting, calls = calls_](Result<std::string> text) {
                      calls->put([this, alive, keep, waiting, text] {
                        if (*alive) rendered(keep, waiting, text);
                      });
                    });
  return true;
}

void Dispatcher::Impl::rendered(const RuntimePtr& runtime, const std::shared_ptr<store::StoredDelivery>& delivery,
                                const Result<std::string>& text) {
  if (!text) {
    --runtime->aside;
    runtime->window.done(delivery->seq);
    release_lock(*runtime, *delivery);
    bury(runtime, std::move(*delivery), text.error().message);
    return;
  }
  // First into the store, then on its way: every retry sends these bytes, also after a crash.
  delivery->payload = *text;
  store_.render(delivery->seq, *text, [this, alive = alive_, runtime, delivery, calls = calls_](Result<bool> kept) {
    calls->put([this, alive, runtime, delivery, kept] {
      if (*alive) prepared(runtime, *delivery, kept);
    });
  });
}

void Dispatcher::Impl::prepared(const RuntimePtr& runtime, store::StoredDelivery& delivery, const Result<bool>& kept) {
  --runtime->aside;
  if (kept && *kept && !draining_ && !runtime->stopped()) {
    runtime->window.give_back(std::move(delivery), clock_.steady());
    pump(*runtime);
    return;
  }
  runtime->window.done(delivery.seq);
  release_lock(*runtime, delivery);
  if (draining_ || runtime->stopped()) return;
  if (kept) return pump(*runtime);
  log::error("a rendered delivery cannot be stored, trying again",
             {{"destination", runtime->config.name}, {"error", kept.error().message}});
  arm(*runtime, clock_.steady() + after_store_error);
}

// ---- other ways

// `applied`: what is known of this last attempt. Of earlier ones the store knows.
store::OtherWay Dispatcher::Impl::other_way(const store::StoredDelivery& delivery, const std::string& why,
                                            bool applied) {
  bool doubtful = applied || !delivery.progress.empty();
  if (!doubtful) {
    const auto attempts = reader_->attempts(delivery.seq);
    doubtful = !attempts || std::ranges::any_of(*attempts, [](const store::StoredAttempt& attempt) {
      return attempt.outcome == to_string(OutcomeClass::ambiguous);
    });
  }
  store::OtherWay how;
  how.reason = why + "; went to " + delivery.other_destination + " instead";
  how.note = "in place of " + delivery.id + " to " + delivery.destination;
  if (doubtful) {
    how.reason += ", which may be a double: an attempt may have been applied";
    how.note += "; may be a double: an attempt there may have been applied";
  }
  return how;
}

// The delivery is in the window of its runtime, if it has one, and nothing of it is under way.
void Dispatcher::Impl::overtake(const RuntimePtr& runtime, const store::StoredDelivery& delivery) {
  std::string why = "not taken before its deadline";
  if (!delivery.reason.empty()) why += " (" + delivery.reason + ")";
  // An attempt is recorded when it has ended: of one that a kill cut short nothing is known.
  const bool may_be_cut = delivery.begun || (runtime && !runtime->stopped() && delivery.state != DeliveryState::held &&
                                             delivery.created_at <= started_ && delivery.due_at <= started_);
  store::OtherWay how = other_way(delivery, why, may_be_cut);
  overtaking_.insert(delivery.seq);
  if (runtime) ++runtime->aside;
  log::warn("a delivery was not taken in time and goes another way",
            {{"destination", delivery.destination}, {"delivery", delivery.id}, {"to", delivery.other_destination}});
  store_.overtake(delivery.seq, std::move(how), clock_.now(),
                  [this, alive = alive_, runtime, seq = delivery.seq, calls = calls_](Result<bool> done) {
                    calls->put([this, alive, runtime, seq, done] {
                      if (*alive) overtaken(runtime, seq, done);
                    });
                  });
}

void Dispatcher::Impl::overtaken(const RuntimePtr& runtime, DeliverySeq delivery, const Result<bool>& done) {
  overtaking_.erase(delivery);
  if (!done)  // the next look finds it again
    log::error("a delivery's other way cannot be stored, trying again", {{"error", done.error().message}});
  if (!runtime) return;
  --runtime->aside;
  runtime->window.done(delivery);
  if (done) return pump(*runtime);
  if (!draining_ && !runtime->stopped()) arm(*runtime, clock_.steady() + after_store_error);
}

// Wherever they stand in their lanes, also those of destinations that are paused, disabled or gone.
void Dispatcher::Impl::overtake_overdue() {
  if (draining_ || !reader_) return;
  const auto late = reader_->overdue(clock_.now(), overdue_max + overtaking_.size() + flights_);
  if (!late) {
    log::error("overdue deliveries cannot be read, trying again", {{"error", late.error().message}});
    return;
  }
  for (const store::StoredDelivery& delivery : *late) {
    if (overtaking_.contains(delivery.seq)) continue;
    const auto found = runtimes_.find(delivery.destination);
    const RuntimePtr runtime = found == runtimes_.end() ? nullptr : found->second;
    // What is under way is waited for: its end decides.
    if (runtime && !take_aside(*runtime, delivery.seq)) continue;
    overtake(runtime, delivery);
  }
}

// Out of everything that waits; false: an attempt of it is under way, or it is being rendered.
bool Dispatcher::Impl::take_aside(DestinationRuntime& runtime, DeliverySeq delivery) {
  const auto is_it = [&](const auto& waiting) {
    if (waiting.second != delivery) return false;
    runtime.window.done(delivery);
    return true;
  };
  std::erase_if(runtime.waits_for_lock, is_it);
  std::erase_if(runtime.waits_for_lane, is_it);
  if (const auto gathered = runtime.batches.drop(delivery)) let_go(runtime, *gathered);
  runtime.window.drop_ready(delivery);
  return runtime.window.hold(delivery);
}

}  // namespace chatrelay::deliver
