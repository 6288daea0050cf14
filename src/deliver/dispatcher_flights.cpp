// An attempt, from its start to the commit of its outcome.
#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/assert.hpp"
#include "common/crypto.hpp"
#include "common/log.hpp"
#include "common/secret.hpp"
#include "common/text.hpp"
#include "deliver/attempt_of.hpp"
#include "deliver/dispatcher_impl.hpp"
#include "deliver/links.hpp"
#include "deliver/retry_policy.hpp"

namespace chatrelay::deliver {

namespace asio = boost::asio;

namespace {

// A destination keeps its own timeout; one that does not is cut so much later.
constexpr std::chrono::seconds grace{5};
constexpr std::size_t reason_bytes_max = 500;  // Outcome's own limit, kept here whatever a destination does
constexpr std::size_t response_bytes_max = 4096;
constexpr std::size_t progress_bytes_max = 256 << 10;
constexpr std::chrono::seconds after_store_error{1};

// Invariant 8: what a destination answers may hold what we sent it.
std::string clean(const std::string& text, std::size_t bytes_max) {
  if (text.empty()) return {};
  return std::string(truncate_utf8(redactor::redact(text), bytes_max));
}

}  // namespace

double Dispatcher::Impl::random_fraction() {
  return static_cast<double>(random_u64() >> 11) * 0x1.0p-53;
}

// Counted, and its lane is under way; who starts it gives it its place.
Dispatcher::Impl::FlightPtr Dispatcher::Impl::new_flight(DestinationRuntime& runtime, store::StoredDelivery delivery,
                                                         SteadyTime now) {
  auto flight = std::make_shared<Flight>();
  flight->runtime = shared(runtime);
  flight->started_at = clock_.now();
  flight->started = now;
  flight->overdue_at = now + runtime.config.timeout + grace;
  flight->delivery = std::move(delivery);
  flight->delivery.payload = std::string();
  flight->result.begun = runtime.config.hold_ambiguous && runtime.destination->may_double(flight->delivery.action);
  runtime.lanes_under_way.insert(flight->delivery.lane);
  ++flights_;
  return flight;
}

// `ambiguous: hold` means never twice: that it begins is on disk before the first byte leaves.
void Dispatcher::Impl::note_beginning(const FlightPtr& flight, std::function<void()> start) {
  std::vector<DeliverySeq> deliveries{flight->delivery.seq};
  for (const FlightPtr& companion : flight->companions) deliveries.push_back(companion->delivery.seq);
  store_.begin(std::move(deliveries),
               [this, alive = alive_, flight, start = std::move(start), calls = calls_](Result<bool> kept) {
                 calls->put([this, alive, flight, start, kept] {
                   if (!*alive || flight->ended) return;  // ended: overdue, and decided
                   if (kept && !draining_) return start();
                   const std::string why = kept ? "the daemon ends" : kept.error().message;
                   Outcome outcome(OutcomeClass::throttle, "not sent: " + why);
                   outcome.wait = after_store_error;
                   outcome.unasked = true;
                   ended(flight, std::move(outcome));
                 });
               });
}

// What this destination remembers of the delivery's subject. nullopt: the store cannot be read just now.
std::optional<std::vector<store::StoredLink>> Dispatcher::Impl::links_for(DestinationRuntime& runtime,
                                                                          const store::StoredDelivery& delivery) {
  if (!runtime.has_links) return std::vector<store::StoredLink>();
  auto known = reader_->links(subject_of(delivery.origin), runtime.config.name);
  if (known) return std::move(*known);
  reader_failed(runtime, known.error());
  return std::nullopt;
}

// False: the store cannot be read just now.
bool Dispatcher::Impl::launch(DestinationRuntime& runtime, store::StoredDelivery delivery) {
  const SteadyTime now = clock_.steady();
  const auto links = links_for(runtime, delivery);
  if (!links) {
    runtime.window.done(delivery.seq);
    return false;
  }
  Result<Attempt> built = attempt_of(delivery, *links);
  if (!built) {
    runtime.window.done(delivery.seq);
    bury(shared(runtime), std::move(delivery), built.error().message);
    return true;
  }
  take_lock(runtime, delivery);
  if (runtime.rate) runtime.rate->try_take(now);

  const FlightPtr flight = new_flight(runtime, std::move(delivery), now);
  flight->probe = runtime.circuit.begin();
  flight->place = runtime.active.insert(runtime.active.end(), flight);
  if (flight->probe)
    log::info("probing a destination", {{"destination", runtime.config.name}, {"delivery", flight->delivery.id}});
  if (!flight->result.begun) {
    start_attempt(flight, std::move(*built));
    return true;
  }
  const auto waiting = std::make_shared<Attempt>(std::move(*built));
  note_beginning(flight, [this, flight, waiting] { start_attempt(flight, std::move(*waiting)); });
  return true;
}

void Dispatcher::Impl::start_attempt(const FlightPtr& flight, Attempt attempt) {
  asio::awaitable<void> running = run(this, alive_, flight, flight->runtime->destination, std::move(attempt));
  attempts_.spawn(std::move(running));
}

// Static, and everything it needs is in its frame: it may outlive the dispatcher.
asio::awaitable<void> Dispatcher::Impl::run(Impl* self, std::shared_ptr<bool> alive, FlightPtr flight,
                                            std::shared_ptr<destinations::Destination> destination, Attempt attempt) {
  Outcome outcome(OutcomeClass::ambiguous, "the attempt was cut");
  try {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::awaitable<Outcome> work = destination->attempt(std::move(attempt));
    // A cancellation of its own: one attempt can be cut without the others.
    auto token = asio::bind_cancellation_slot(flight->signal.slot(), asio::use_awaitable);
    asio::awaitable<Outcome> running = asio::co_spawn(executor, std::move(work), token);
    outcome = co_await std::move(running);
  } catch (const std::exception& e) {
    if (*alive && !flight->ended)
      log::error("an attempt ended in an exception",
                 {{"destination", flight->runtime->config.name}, {"error", e.what()}});
    outcome = Outcome(OutcomeClass::ambiguous, std::string("internal: ") + e.what());
  }
  if (*alive) self->ended(flight, std::move(outcome));
}

void Dispatcher::Impl::ended(const FlightPtr& flight, Outcome outcome) {
  if (flight->ended) return;  // it was overdue, and has been decided
  if (!flight->companions.empty())
    return batch_ended(flight, std::vector<Outcome>(flight->companions.size() + 1, outcome));
  DestinationRuntime& runtime = *flight->runtime;
  runtime.active.erase(flight->place);
  landed(runtime, flight, outcome);
  const Decision decision = decision_on(runtime, *flight, outcome, random_fraction());
  bool state_changed = tell_circuit(runtime, decision.circuit, flight->probe, outcome.reason);
  carry_out(runtime, flight, outcome, decision, state_changed);
  remember(runtime, flight, outcome);
  if (state_changed) save(runtime);
  hand_over(runtime, flight, outcome);
  pump(runtime);
}

void Dispatcher::Impl::leave_lane(DestinationRuntime& runtime, LaneId lane) {
  runtime.lanes_under_way.erase(lane);
  std::erase_if(runtime.waits_for_lane, [&](const auto& waiting) {
    if (waiting.first != lane) return false;
    runtime.window.done(waiting.second);  // read again: it may have been cancelled too
    return true;
  });
}

// What of the attempt is recorded, whatever it leads to.
void Dispatcher::Impl::landed(DestinationRuntime& runtime, const FlightPtr& flight, Outcome& outcome) {
  flight->ended = true;
  leave_lane(runtime, flight->delivery.lane);
  runtime.count(outcome.klass);
  outcome.reason = clean(outcome.reason, reason_bytes_max);

  store::AttemptResult& result = flight->result;
  result.delivery = flight->delivery.seq;
  result.started_at = flight->started_at;
  result.took = std::chrono::duration_cast<Millis>(clock_.steady() - flight->started);
  result.outcome = outcome.klass;
  result.status = outcome.status;
  result.response = clean(outcome.response, response_bytes_max);
}

void Dispatcher::Impl::hand_over(DestinationRuntime& runtime, const FlightPtr& flight, const Outcome& outcome) {
  if (log::enabled(log::Level::debug))
    log::debug("attempt ended", {{"destination", runtime.config.name},
                                 {"delivery", flight->delivery.id},
                                 {"outcome", to_string(outcome.klass)},
                                 {"reason", outcome.reason},
                                 {"took_ms", flight->result.took.count()}});
  ++runtime.recording;
  record(flight);
}

// What outlives the attempt: links, how far its steps came, and the other way if it is time for that.
void Dispatcher::Impl::remember(DestinationRuntime& runtime, const FlightPtr& flight, Outcome& outcome) {
  store::AttemptResult& result = flight->result;
  store::StoredDelivery& delivery = flight->delivery;
  std::size_t refused = 0;
  result.saved = links_to_save(outcome.saved, refused);
  if (!result.saved.empty()) {
    result.subject = subject_of(delivery.origin);
    runtime.has_links = true;
  }
  if (refused > 0)
    log::warn("what a destination answered is too long or too much to be remembered",
              {{"destination", runtime.config.name}, {"delivery", delivery.id}, {"values", refused}});
  // An attempt that was cut says nothing of the steps before it: they are done all the same.
  if (!outcome.progress.empty()) {
    std::string progress = boost::json::serialize(outcome.progress);
    if (progress.size() <= progress_bytes_max)
      delivery.progress = std::move(progress);
    else
      log::warn("how far a delivery's steps came is too long to be remembered",
                {{"destination", runtime.config.name}, {"delivery", delivery.id}});
  }
  result.progress = delivery.progress;
  if (!delivery.deadline || result.state == DeliveryState::delivered) return;
  const bool ambiguous = outcome.klass == OutcomeClass::ambiguous || outcome.goes_on;
  if (result.state == DeliveryState::dead)
    result.other_way = other_way(delivery, result.reason, ambiguous);
  else if (clock_.now() >= *delivery.deadline)
    result.other_way = other_way(delivery, "not taken before its deadline (" + result.reason + ")", ambiguous);
}

Decision Dispatcher::Impl::decision_on(DestinationRuntime& runtime, const Flight& flight, const Outcome& outcome,
                                       double random) {
  AttemptFacts facts;
  facts.now = clock_.now();
  facts.first_pending_at = flight.delivery.first_pending_at;
  facts.charged_before = flight.delivery.attempts;
  facts.throttles_before = runtime.throttles;
  facts.hold_ambiguous = runtime.config.hold_ambiguous;
  facts.random = random;
  if (outcome.klass == OutcomeClass::refresh_auth) {
    const bool room = runtime.refreshed.size() < DestinationRuntime::refreshed_max;
    facts.refreshed_before = !room || !runtime.refreshed.insert(flight.delivery.seq).second;
  } else if (!runtime.refreshed.empty()) {
    runtime.refreshed.erase(flight.delivery.seq);
  }
  return decide(outcome, facts, runtime.config.retry);
}

// Once for a request. True: the state changed in a way that should survive a restart.
bool Dispatcher::Impl::tell_circuit(DestinationRuntime& runtime, CircuitEffect effect, bool probe,
                                    const std::string& reason) {
  const CircuitState before = runtime.circuit.state();
  const bool changed = runtime.circuit.end(effect, probe, clock_.steady());
  if (runtime.circuit.state() == CircuitState::open && before != CircuitState::open) {
    runtime.window.forget_ready();
    log::warn("circuit opened",
              {{"destination", runtime.config.name}, {"faults", runtime.circuit.faults()}, {"reason", reason}});
  } else if (before == CircuitState::half_open && runtime.circuit.state() == CircuitState::ramping) {
    log::info("circuit closes", {{"destination", runtime.config.name}});
  }
  return changed;
}

// Applies what a decision means for the destination. The delivery's part goes into flight->result.
void Dispatcher::Impl::carry_out(DestinationRuntime& runtime, const FlightPtr& flight, const Outcome& outcome,
                                 const Decision& decision, bool& state_changed) {
  const SteadyTime now = clock_.steady();
  if (outcome.klass == OutcomeClass::ok || outcome.klass == OutcomeClass::duplicate) runtime.throttles = 0;
  if (outcome.wait) runtime.longest_wait = std::max(runtime.longest_wait, *outcome.wait);
  if (decision.pause_destination) {
    // Those that were under way together and are told the same count once.
    if (!runtime.throttled_until || now >= *runtime.throttled_until) ++runtime.throttles;
    runtime.throttled_until = std::max(runtime.throttled_until.value_or(now), now + *decision.pause_destination);
    runtime.longest_wait = std::max(runtime.longest_wait, *decision.pause_destination);
    runtime.window.forget_ready();
    // A restart within ten seconds costs one more "wait"; that is not worth a write each time.
    if (*decision.pause_destination > std::chrono::seconds(10)) state_changed = true;
  }
  if (decision.disable_destination && !runtime.disabled) {
    disable(runtime, *flight, outcome.reason);
    state_changed = true;
  }

  flight->quiet = outcome.quiet;
  flight->result.reason = decision.state == DeliveryState::delivered ? outcome.reason : decision.reason;
  flight->result.charged = decision.charged;
  flight->result.state = decision.state;
  flight->result.due_at = decision.due_at;
}

void Dispatcher::Impl::disable(DestinationRuntime& runtime, const Flight& flight, const std::string& reason) {
  runtime.disabled = true;
  runtime.reason = reason;
  runtime.changed_at = clock_.now();
  runtime.window.forget_ready();
  log::error("destination disabled; its deliveries are held until `destinations resume`",
             {{"destination", runtime.config.name}, {"reason", reason}});
  if (flight.delivery.origin.source == own_source) return;  // own events never cause each other
  boost::json::object payload;
  payload["destination"] = runtime.config.name;
  payload["delivery"] = flight.delivery.id;
  payload["reason"] = reason;
  raise(event_type::destination_disabled, std::move(payload));
}

// Something is recorded of a delivery without an attempt.
Dispatcher::Impl::FlightPtr Dispatcher::Impl::ended_flight(const RuntimePtr& runtime, store::StoredDelivery delivery) {
  auto flight = std::make_shared<Flight>();
  flight->runtime = runtime;
  flight->delivery = std::move(delivery);
  flight->delivery.payload = std::string();
  flight->ended = true;
  flight->started_at = clock_.now();
  flight->result.delivery = flight->delivery.seq;
  flight->result.started_at = flight->started_at;
  ++flights_;
  ++runtime->recording;
  return flight;
}

// A delivery that dies without an attempt.
void Dispatcher::Impl::bury(const RuntimePtr& runtime, store::StoredDelivery delivery, std::string reason) {
  if (!runtime->window.hold(delivery.seq)) return;
  const FlightPtr flight = ended_flight(runtime, std::move(delivery));
  flight->result.outcome = OutcomeClass::reject;
  flight->result.reason = std::move(reason);
  flight->result.charged = false;
  flight->result.state = DeliveryState::dead;
  flight->result.progress = flight->delivery.progress;
  if (flight->delivery.deadline) flight->result.other_way = other_way(flight->delivery, flight->result.reason, false);
  record(flight);
}

// A delivery in the window whose attempt an earlier run of the daemon began, and did not see the end of.
void Dispatcher::Impl::record_cut(const RuntimePtr& runtime, store::StoredDelivery delivery) {
  const FlightPtr flight = ended_flight(runtime, std::move(delivery));
  Outcome outcome(OutcomeClass::ambiguous, "the daemon ended during an attempt: whether it was taken is not known");
  const Decision decision = decision_on(*runtime, *flight, outcome, random_fraction());
  bool state_changed = false;
  flight->result.outcome = outcome.klass;
  flight->result.begun = true;
  carry_out(*runtime, flight, outcome, decision, state_changed);
  remember(*runtime, flight, outcome);
  record(flight);
}

void Dispatcher::Impl::record(const FlightPtr& flight) {
  store_.record(flight->result, [flight, records = records_](Result<bool> result) {
    Recorded done{flight, std::move(result)};
    records->put(std::move(done));
  });
}

void Dispatcher::Impl::on_recorded(std::vector<Recorded>&& records) {
  std::set<DestinationRuntime*> touched;
  for (Recorded& done : records) {
    if (done.result) {
      committed(done.flight, *done.result);
      touched.insert(done.flight->runtime.get());
      continue;
    }
    // Invariant 2: the outcome is not forgotten. Its lane waits until it is on disk; a restart before that repeats the
    // attempt under the same id.
    if (const SteadyTime now = clock_.steady(); now >= next_record_line_) {
      log::error("outcomes cannot be stored, trying again", {{"error", done.result.error().message}});
      next_record_line_ = now + std::chrono::seconds(30);
    }
    unrecorded_.push_back(done.flight);
  }
  if (flights_ == 0) drained_.cancel();
  for (DestinationRuntime* runtime : touched) pump(*runtime);
}

void Dispatcher::Impl::committed(const FlightPtr& flight, bool was_open) {
  DestinationRuntime& runtime = *flight->runtime;
  CHATRELAY_ASSERT(runtime.recording > 0 && flights_ > 0, "an outcome was committed twice");
  --runtime.recording;
  --flights_;
  runtime.window.done(flight->delivery.seq);
  release_lock(runtime, flight->delivery);
  if (flight->result.state != DeliveryState::dead || !was_open) return;
  runtime.refreshed.erase(flight->delivery.seq);
  log::warn(
      "dead letter",
      {{"destination", runtime.config.name}, {"delivery", flight->delivery.id}, {"reason", flight->result.reason}});
  if (flight->delivery.origin.source == own_source || flight->quiet) return;  // own events never cause each other
  boost::json::object payload;
  payload["destination"] = runtime.config.name;
  payload["delivery"] = flight->delivery.id;
  payload["event"] = flight->delivery.origin.event_id;
  payload["source"] = flight->delivery.origin.source;
  payload["chat"] = flight->delivery.origin.chat_id;
  payload["rule"] = flight->delivery.rule;
  payload["action"] = flight->delivery.action;
  payload["reason"] = flight->result.reason;
  if (auto tell = dead_letters_.note(runtime.config.name, std::move(payload), clock_.steady()))
    raise(event_type::delivery_dead, std::move(*tell));
}

void Dispatcher::Impl::raise(const char* type, boost::json::object payload) {
  if (raise_) raise_(type, std::move(payload));
}

Dispatcher::Impl::RuntimePtr Dispatcher::Impl::shared(DestinationRuntime& runtime) const {
  const auto found = runtimes_.find(runtime.config.name);
  CHATRELAY_ASSERT(found != runtimes_.end() && found->second.get() == &runtime,
                   "a destination that is not in the table");
  return found->second;
}

}  // namespace chatrelay::deliver
