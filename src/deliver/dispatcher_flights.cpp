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
#include "deliver/retry_policy.hpp"

namespace chatrelay::deliver {

namespace asio = boost::asio;

namespace {

// A destination keeps its own timeout; one that does not is cut so much later.
constexpr std::chrono::seconds grace{5};
constexpr std::size_t reason_bytes_max = 500;  // Outcome's own limit, kept here whatever a destination does
constexpr std::size_t response_bytes_max = 4096;

double random_fraction() {
  return static_cast<double>(random_u64() >> 11) * 0x1.0p-53;
}

// Invariant 8: what a destination answers may hold what we sent it.
std::string clean(const std::string& text, std::size_t bytes_max) {
  if (text.empty()) return {};
  return std::string(truncate_utf8(redactor::redact(text), bytes_max));
}

}  // namespace

void Dispatcher::Impl::launch(DestinationRuntime& runtime, store::StoredDelivery delivery) {
  const SteadyTime now = clock_.steady();
  Result<Attempt> built = attempt_of(delivery);
  if (!built) {
    runtime.window.done(delivery.seq);
    bury(runtime, std::move(delivery), built.error().message);
    return;
  }
  if (runtime.rate) runtime.rate->try_take(now);

  auto flight = std::make_shared<Flight>();
  flight->runtime = shared(runtime);
  flight->probe = runtime.circuit.begin();
  flight->started_at = clock_.now();
  flight->started = now;
  flight->overdue_at = now + runtime.config.timeout + grace;
  flight->delivery = std::move(delivery);
  flight->delivery.payload = std::string();
  flight->place = runtime.active.insert(runtime.active.end(), flight);
  runtime.lanes_under_way.insert(flight->delivery.lane);
  ++flights_;
  if (flight->probe)
    log::info("probing a destination", {{"destination", runtime.config.name}, {"delivery", flight->delivery.id}});
  asio::awaitable<void> attempt = run(this, alive_, flight, runtime.destination, std::move(*built));
  attempts_.spawn(std::move(attempt));
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
  flight->ended = true;
  DestinationRuntime& runtime = *flight->runtime;
  runtime.active.erase(flight->place);
  runtime.lanes_under_way.erase(flight->delivery.lane);
  std::erase_if(runtime.waits_for_lane, [&](const auto& waiting) {
    if (waiting.first != flight->delivery.lane) return false;
    runtime.window.done(waiting.second);  // read again: it may have been cancelled too
    return true;
  });
  runtime.count(outcome.klass);
  outcome.reason = clean(outcome.reason, reason_bytes_max);

  store::AttemptResult& result = flight->result;
  result.delivery = flight->delivery.seq;
  result.started_at = flight->started_at;
  result.took = std::chrono::duration_cast<Millis>(clock_.steady() - flight->started);
  result.outcome = outcome.klass;
  result.status = outcome.status;
  result.response = clean(outcome.response, response_bytes_max);
  bool state_changed = false;
  carry_out(runtime, flight, outcome, state_changed);
  if (state_changed) save(runtime);
  if (log::enabled(log::Level::debug))
    log::debug("attempt ended", {{"destination", runtime.config.name},
                                 {"delivery", flight->delivery.id},
                                 {"outcome", to_string(outcome.klass)},
                                 {"reason", outcome.reason},
                                 {"took_ms", result.took.count()}});
  ++runtime.recording;
  record(flight);
  pump(runtime);
}

// Decides, and applies what the decision means for the destination. The delivery's part goes into flight->result.
void Dispatcher::Impl::carry_out(DestinationRuntime& runtime, const FlightPtr& flight, const Outcome& outcome,
                                 bool& state_changed) {
  const SteadyTime now = clock_.steady();
  AttemptFacts facts;
  facts.now = clock_.now();
  facts.first_pending_at = flight->delivery.first_pending_at;
  facts.charged_before = flight->delivery.attempts;
  facts.throttles_before = runtime.throttles;
  facts.hold_ambiguous = runtime.config.hold_ambiguous;
  facts.random = random_fraction();
  if (outcome.klass == OutcomeClass::refresh_auth) {
    const bool room = runtime.refreshed.size() < DestinationRuntime::refreshed_max;
    facts.refreshed_before = !room || !runtime.refreshed.insert(flight->delivery.seq).second;
  } else if (!runtime.refreshed.empty()) {
    runtime.refreshed.erase(flight->delivery.seq);
  }
  const Decision decision = decide(outcome, facts, runtime.config.retry);

  const CircuitState before = runtime.circuit.state();
  state_changed = runtime.circuit.end(decision.circuit, flight->probe, now);
  if (runtime.circuit.state() == CircuitState::open && before != CircuitState::open) {
    runtime.window.forget_ready();
    log::warn("circuit opened",
              {{"destination", runtime.config.name}, {"faults", runtime.circuit.faults()}, {"reason", outcome.reason}});
  } else if (before == CircuitState::half_open && runtime.circuit.state() == CircuitState::ramping) {
    log::info("circuit closes", {{"destination", runtime.config.name}});
  }
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

// A delivery that dies without an attempt.
void Dispatcher::Impl::bury(DestinationRuntime& runtime, store::StoredDelivery delivery, std::string reason) {
  if (!runtime.window.hold(delivery.seq)) return;
  auto flight = std::make_shared<Flight>();
  flight->runtime = shared(runtime);
  flight->delivery = std::move(delivery);
  flight->delivery.payload = std::string();
  flight->ended = true;
  flight->started_at = clock_.now();
  flight->result.delivery = flight->delivery.seq;
  flight->result.started_at = flight->started_at;
  flight->result.outcome = OutcomeClass::reject;
  flight->result.reason = std::move(reason);
  flight->result.charged = false;
  flight->result.state = DeliveryState::dead;
  ++flights_;
  ++runtime.recording;
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
