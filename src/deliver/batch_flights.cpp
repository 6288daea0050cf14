// Several deliveries in one request: from the first that waits for others to the outcome of each. What became of an
// attempt is decided for each of them by the same rules as for one that leaves alone.
#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log.hpp"
#include "deliver/attempt_of.hpp"
#include "deliver/dispatcher_impl.hpp"
#include "deliver/links.hpp"

namespace chatrelay::deliver {

namespace asio = boost::asio;

namespace {

// The answer speaks of the destination once, however many deliveries it is about. What was refused together was
// answered all the same.
CircuitEffect effect_of(const std::vector<Outcome>& outcomes, const std::vector<Decision>& decisions) {
  CircuitEffect effect = outcomes.front().unasked ? CircuitEffect::not_asked : CircuitEffect::none;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (decisions[i].circuit == CircuitEffect::fault) return CircuitEffect::fault;
    if (decisions[i].circuit == CircuitEffect::success || outcomes[i].klass == OutcomeClass::partial)
      effect = CircuitEffect::success;
  }
  return effect;
}

bool waits_again(const Decision& decision) {
  return decision.state == DeliveryState::deferred || decision.state == DeliveryState::pending;
}

}  // namespace

// ---- before the request

// True: it waits for others. Its lane and its lock are taken, as if it were under way.
bool Dispatcher::Impl::gather(DestinationRuntime& runtime, store::StoredDelivery& delivery, SteadyTime now) {
  if (!delivery.inputs.empty()) return false;  // rendered first
  const auto limits = runtime.destination->batch(delivery.action);
  if (!limits || limits->max < 2) return false;
  take_lock(runtime, delivery);
  runtime.lanes_under_way.insert(delivery.lane);
  runtime.batches.add(std::move(delivery), limits->max, limits->wait, now);
  return true;
}

std::optional<Batches::Leaving> Dispatcher::Impl::next_batch(DestinationRuntime& runtime, SteadyTime now,
                                                             bool nothing_more) {
  if (runtime.batches.empty()) return std::nullopt;
  return runtime.batches.take(now, nothing_more, [&](DeliverySeq delivery) { return runtime.window.has(delivery); });
}

// Nothing was tried: it is read again when its turn comes.
void Dispatcher::Impl::let_go(DestinationRuntime& runtime, const store::StoredDelivery& delivery) {
  runtime.window.done(delivery.seq);
  leave_lane(runtime, delivery.lane);
  release_lock(runtime, delivery);
}

void Dispatcher::Impl::let_gathered_go(DestinationRuntime& runtime) {
  for (const store::StoredDelivery& delivery : runtime.batches.drop_all()) let_go(runtime, delivery);
}

// Who waited for others may have been cancelled or held meanwhile. False: the store cannot be read just now.
bool Dispatcher::Impl::still_waits(DestinationRuntime& runtime, std::vector<store::StoredDelivery>& deliveries) {
  for (auto one = deliveries.begin(); one != deliveries.end();) {
    const auto known = reader_->delivery(one->seq);
    if (!known) {
      reader_failed(runtime, known.error());
      return false;
    }
    const bool waits =
        *known && ((*known)->state == DeliveryState::pending || (*known)->state == DeliveryState::deferred);
    if (waits) {
      ++one;
      continue;
    }
    let_go(runtime, *one);
    one = deliveries.erase(one);
  }
  return true;
}

void Dispatcher::Impl::send_late_ones_away(DestinationRuntime& runtime,
                                           std::vector<store::StoredDelivery>& deliveries) {
  const WallTime wall = clock_.now();
  std::erase_if(deliveries, [&](const store::StoredDelivery& one) {
    if (!one.deadline || *one.deadline > wall) return false;
    leave_lane(runtime, one.lane);
    release_lock(runtime, one);
    overtake(shared(runtime), one);
    return true;
  });
}

// Those that cannot be read die here. nullopt: the store cannot be read just now.
std::optional<std::vector<Attempt>> Dispatcher::Impl::attempts_of(DestinationRuntime& runtime,
                                                                  std::vector<store::StoredDelivery>& deliveries) {
  std::vector<Attempt> attempts;
  for (auto one = deliveries.begin(); one != deliveries.end();) {
    const auto links = links_for(runtime, *one);
    if (!links) return std::nullopt;
    Result<Attempt> built = attempt_of(*one, *links);
    if (built) {
      attempts.push_back(std::move(*built));
      ++one;
      continue;
    }
    let_go(runtime, *one);
    bury(shared(runtime), std::move(*one), built.error().message);
    one = deliveries.erase(one);
  }
  return attempts;
}

// False: the store cannot be read just now.
bool Dispatcher::Impl::launch_batch(DestinationRuntime& runtime, Batches::Leaving leaving) {
  std::vector<store::StoredDelivery>& deliveries = leaving.deliveries;
  if (leaving.waited && !still_waits(runtime, deliveries)) {
    for (const store::StoredDelivery& one : deliveries) let_go(runtime, one);
    return false;
  }
  send_late_ones_away(runtime, deliveries);
  if (deliveries.size() == 1) {
    leave_lane(runtime, deliveries.front().lane);
    release_lock(runtime, deliveries.front());
    return launch(runtime, std::move(deliveries.front()));
  }
  auto attempts = attempts_of(runtime, deliveries);
  if (!attempts) {
    for (const store::StoredDelivery& one : deliveries) let_go(runtime, one);
    return false;
  }
  if (attempts->empty()) return true;
  const SteadyTime now = clock_.steady();
  if (runtime.rate) runtime.rate->try_take(now);  // one request
  std::vector<FlightPtr> flights;
  for (store::StoredDelivery& one : deliveries) flights.push_back(new_flight(runtime, std::move(one), now));
  const FlightPtr first = flights.front();
  first->companions.assign(flights.begin() + 1, flights.end());
  first->probe = runtime.circuit.begin();
  first->place = runtime.active.insert(runtime.active.end(), first);
  if (first->probe) log::info("probing a destination", {{"destination", runtime.config.name}});
  if (!first->result.begun) {
    start_batch(first, std::move(*attempts));
    return true;
  }
  const auto waiting = std::make_shared<std::vector<Attempt>>(std::move(*attempts));
  note_beginning(first, [this, first, waiting] { start_batch(first, std::move(*waiting)); });
  return true;
}

void Dispatcher::Impl::start_batch(const FlightPtr& first, std::vector<Attempt> attempts) {
  asio::awaitable<void> running = run_batch(this, alive_, first, first->runtime->destination, std::move(attempts));
  attempts_.spawn(std::move(running));
}

// ---- the request

// As run(): static, and everything it needs is in its frame.
asio::awaitable<void> Dispatcher::Impl::run_batch(Impl* self, std::shared_ptr<bool> alive, FlightPtr first,
                                                  std::shared_ptr<destinations::Destination> destination,
                                                  std::vector<Attempt> attempts) {
  const std::size_t count = attempts.size();
  std::vector<Outcome> outcomes(count, Outcome(OutcomeClass::ambiguous, "the attempt was cut"));
  try {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::awaitable<std::vector<Outcome>> work = destination->attempt_batch(std::move(attempts));
    auto token = asio::bind_cancellation_slot(first->signal.slot(), asio::use_awaitable);
    asio::awaitable<std::vector<Outcome>> running = asio::co_spawn(executor, std::move(work), token);
    outcomes = co_await std::move(running);
  } catch (const std::exception& e) {
    if (*alive && !first->ended)
      log::error("an attempt ended in an exception",
                 {{"destination", first->runtime->config.name}, {"error", e.what()}});
    outcomes.assign(count, Outcome(OutcomeClass::ambiguous, std::string("internal: ") + e.what()));
  }
  if (*alive) self->batch_ended(first, std::move(outcomes));
}

// ---- after it

void Dispatcher::Impl::batch_ended(const FlightPtr& first, std::vector<Outcome> outcomes) {
  if (first->ended) return;  // it was overdue, and has been decided
  DestinationRuntime& runtime = *first->runtime;
  std::vector<FlightPtr> flights{first};
  flights.insert(flights.end(), first->companions.begin(), first->companions.end());
  first->companions.clear();
  runtime.active.erase(first->place);
  outcomes.resize(flights.size(), Outcome(OutcomeClass::ambiguous, "internal: nothing was said of this delivery"));
  // All are decided on what was known before any of them: a "wait" counts once, and one chance for all gives those
  // that failed together the same time.
  const double random = random_fraction();
  std::vector<Decision> decisions;
  for (std::size_t i = 0; i < flights.size(); ++i) {
    landed(runtime, flights[i], outcomes[i]);
    decisions.push_back(decision_on(runtime, *flights[i], outcomes[i], random));
  }
  keep_together(runtime, flights, outcomes, decisions);
  bool state_changed = tell_circuit(runtime, effect_of(outcomes, decisions), first->probe, outcomes.front().reason);
  for (std::size_t i = 0; i < flights.size(); ++i) {
    carry_out(runtime, flights[i], outcomes[i], decisions[i], state_changed);
    remember(runtime, flights[i], outcomes[i]);
    hand_over(runtime, flights[i], outcomes[i]);
  }
  if (state_changed) save(runtime);
  pump(runtime);
}

// A request that failed as a whole is made again as it was: at the same time, with the same deliveries in the same
// order. Where some of it was applied, the others go back to the heads of their lanes, free to leave with anyone.
void Dispatcher::Impl::keep_together(DestinationRuntime& runtime, const std::vector<FlightPtr>& flights,
                                     const std::vector<Outcome>& outcomes, std::vector<Decision>& decisions) {
  const auto good = [](const Outcome& one) {
    return one.klass == OutcomeClass::ok || one.klass == OutcomeClass::duplicate;
  };
  const bool applied = std::ranges::any_of(outcomes, good);
  std::vector<DeliverySeq> together;
  std::optional<WallTime> due_at;
  for (std::size_t i = 0; i < flights.size(); ++i) {
    if (!waits_again(decisions[i])) continue;
    const DeliverySeq delivery = flights[i]->delivery.seq;
    if (outcomes[i].klass == OutcomeClass::partial) {
      runtime.batches.keep_together({delivery});  // alone
    } else if (!applied) {
      together.push_back(delivery);
      due_at = std::min(due_at.value_or(decisions[i].due_at), decisions[i].due_at);
    }
  }
  if (together.size() < 2) return;
  for (std::size_t i = 0; i < flights.size(); ++i)
    if (std::ranges::find(together, flights[i]->delivery.seq) != together.end()) decisions[i].due_at = *due_at;
  runtime.batches.keep_together(std::move(together));
}

}  // namespace chatrelay::deliver
