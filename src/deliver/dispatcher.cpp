#include "deliver/dispatcher.hpp"

#include <exception>
#include <utility>
#include <variant>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log.hpp"
#include "deliver/dispatcher_impl.hpp"

namespace chatrelay::deliver {

namespace asio = boost::asio;

Dispatcher::Impl::Impl(asio::any_io_executor executor, store::Store& store, const Clock& clock, Metrics& metrics,
                       Raise raise)
    : executor_(executor),
      bell_(executor, [this](std::vector<char>&&) { on_ring(); }),
      store_(store),
      clock_(clock),
      metrics_(metrics),
      raise_(std::move(raise)),
      records_(std::make_shared<Records>(executor,
                                         [this](std::vector<Recorded>&& records) { on_recorded(std::move(records)); })),
      calls_(std::make_shared<Calls>(executor,
                                     [](std::vector<std::function<void()>>&& calls) {
                                       for (auto& call : calls) call();
                                     })),
      upkeep_timer_(executor),
      ring_timer_(executor),
      drained_(executor),
      attempts_(executor, "attempts") {}

Dispatcher::Impl::~Impl() {
  *alive_ = false;
  for (auto& [name, runtime] : runtimes_) runtime->active.clear();  // a flight and its runtime hold each other
  bell_.close();
  records_->close();
  calls_->close();
}

Result<void> Dispatcher::Impl::start(std::vector<ConfiguredDestination> destinations) {
  reader_ = store_.open_reader();
  Result<void> configured = configure(destinations);
  if (!configured) return configured;
  started_ = clock_.now();
  look_at_clock();
  for (auto& [name, runtime] : runtimes_) check_future(*runtime, true);
  show_backlog();
  overtake_overdue();
  pump_all();
  schedule_upkeep();
  return {};
}

Result<void> Dispatcher::Impl::configure(std::vector<ConfiguredDestination>& destinations) {
  Result<std::vector<store::DestinationState>> saved = reader_->destination_states();
  if (!saved) return saved.error();
  const WallTime wall = clock_.now();
  const SteadyTime now = clock_.steady();
  std::set<std::string> names;
  for (ConfiguredDestination& next : destinations) {
    const std::string name = next.config.name;
    names.insert(name);
    if (const auto known = runtimes_.find(name); known != runtimes_.end()) {
      known->second->configure(std::move(next));
      let_gathered_go(*known->second);  // by what the new destination says of its actions
      continue;
    }
    auto runtime = std::make_shared<DestinationRuntime>(executor_, std::move(next), metrics_);
    for (const store::DestinationState& state : *saved)
      if (state.name == name) runtime->restore(state, wall, now);
    const Result<bool> has_links = reader_->has_links(name);
    if (!has_links) return has_links.error();
    runtime->has_links = *has_links;
    runtimes_.emplace(name, std::move(runtime));
  }
  for (auto entry = runtimes_.begin(); entry != runtimes_.end();) {
    DestinationRuntime& runtime = *entry->second;
    if (names.contains(entry->first)) {
      ++entry;
      continue;
    }
    if (!runtime.gone)
      log::info("destination is no longer configured; its deliveries wait", {{"destination", entry->first}});
    runtime.gone = true;
    runtime.window.forget_ready();
    let_gathered_go(runtime);
    runtime.timer.cancel();
    runtime.armed_for.reset();
    // What is under way ends with its old destination; until then the runtime stays, so that a name that returns at
    // once does not start the same lane twice.
    entry = runtime.window.under_way() == 0 && !runtime.state_unsaved ? runtimes_.erase(entry) : std::next(entry);
  }
  return {};
}

void Dispatcher::Impl::reload(std::vector<ConfiguredDestination> destinations) {
  reload_waits_ = std::move(destinations);
  try_reload();
}

// Everything else has the new configuration already: a store that cannot be read just now only delays this.
void Dispatcher::Impl::try_reload() {
  const Result<void> done = configure(*reload_waits_);
  if (!done) {
    log::error("destinations cannot be reloaded, trying again", {{"error", done.error().message}});
    return;
  }
  reload_waits_.reset();
  pump_all();
}

DestinationRuntime* Dispatcher::Impl::configured(const std::string& name) {
  const auto found = runtimes_.find(name);
  return found == runtimes_.end() || found->second->gone ? nullptr : found->second.get();
}

// What must outlive a restart. A save that fails is repeated by upkeep.
void Dispatcher::Impl::save(DestinationRuntime& runtime, std::function<void(Result<void>)> done) {
  runtime.state_unsaved = true;
  const RuntimePtr keep = shared(runtime);
  store_.save_destination(runtime.to_save(clock_.now(), clock_.steady()),
                          [keep, done = std::move(done), calls = calls_](Result<bool> result) {
                            calls->put([keep, done, result] {
                              keep->state_unsaved = !result;  // also after an older save that went well
                              if (!result) {
                                log::error("a destination's state could not be stored",
                                           {{"destination", keep->config.name}, {"error", result.error().message}});
                              }
                              if (done) done(result ? Result<void>() : Result<void>(result.error()));
                            });
                          });
}

void Dispatcher::Impl::pause(const std::string& name, std::string reason, std::function<void(Result<void>)> done) {
  DestinationRuntime* runtime = configured(name);
  if (!runtime) return done(not_found("no destination is named " + name));
  runtime->paused = true;
  runtime->reason = std::move(reason);
  runtime->changed_at = clock_.now();
  runtime->window.forget_ready();
  log::info("destination paused", {{"destination", name}, {"reason", runtime->reason}});
  save(*runtime, std::move(done));
}

void Dispatcher::Impl::resume(const std::string& name, std::function<void(Result<void>)> done) {
  DestinationRuntime* runtime = configured(name);
  if (!runtime) return done(not_found("no destination is named " + name));
  const SteadyTime now = clock_.steady();
  runtime->paused = false;
  runtime->disabled = false;
  runtime->reason.clear();
  runtime->changed_at = clock_.now();
  runtime->throttled_until.reset();
  runtime->throttles = 0;
  runtime->destination->resumed();
  runtime->refreshed.clear();
  runtime->circuit.ramp_up(now);
  runtime->show_circuit();
  log::info("destination resumed", {{"destination", name}});
  // First the state, then what it held: a crash in between leaves deliveries held, never a disabled destination's
  // running.
  const RuntimePtr keep = shared(*runtime);
  save(*runtime, [this, alive = alive_, keep, done = std::move(done)](Result<void> saved) {
    if (!saved) return done(saved);
    if (!*alive) return;
    store_.release_held(keep->config.name, clock_.now(),
                        [this, alive, keep, done, calls = calls_](Result<std::size_t> released) {
                          calls->put([this, alive, keep, done, released] {
                            if (*alive) {
                              keep->window.changed();
                              pump(*keep);
                            }
                            done(released ? Result<void>() : Result<void>(released.error()));
                          });
                        });
  });
  runtime->window.changed();
  pump(*runtime);
}

std::vector<DestinationStatus> Dispatcher::Impl::status() const {
  std::vector<DestinationStatus> all;
  for (const auto& [name, runtime] : runtimes_)
    if (!runtime->gone) all.push_back(runtime->status(clock_.now(), clock_.steady()));
  return all;
}

asio::awaitable<bool> Dispatcher::Impl::drain(Millis limit) {
  draining_ = true;
  for (auto& [name, runtime] : runtimes_) {
    runtime->window.forget_ready();
    runtime->timer.cancel();
    runtime->armed_for.reset();
  }
  const auto deadline = std::chrono::steady_clock::now() + limit;
  boost::system::error_code ignored;
  auto quietly = asio::redirect_error(asio::use_awaitable, ignored);
  while (flights_ > 0 && std::chrono::steady_clock::now() < deadline) {
    drained_.expires_at(deadline);
    asio::awaitable<void> wait = drained_.async_wait(quietly);
    co_await std::move(wait);
  }
  if (flights_ == 0) co_return true;
  log::warn("attempts are cut by the shutdown", {{"under_way", flights_}});
  for (auto& [name, runtime] : runtimes_) {
    // An emission may end an attempt at once and so change the list.
    const std::vector<FlightPtr> cut(runtime->active.begin(), runtime->active.end());
    for (const FlightPtr& flight : cut) flight->signal.emit(asio::cancellation_type::terminal);
  }
  // What they say of themselves when cut is still worth a second: an ambiguous one may have to be held.
  const auto last = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (flights_ > 0 && std::chrono::steady_clock::now() < last) {
    drained_.expires_at(last);
    asio::awaitable<void> wait = drained_.async_wait(quietly);
    co_await std::move(wait);
  }
  attempts_.close();
  attempts_.cancel_all();
  co_return false;
}

namespace {

constexpr Millis answer_slack{5'000};  // a destination keeps to its timeout itself; this is for one that does not

asio::awaitable<Outcome> within(Millis limit, asio::any_io_executor executor, asio::awaitable<Outcome> work) {
  using namespace asio::experimental::awaitable_operators;
  try {
    asio::steady_timer timer(executor);
    timer.expires_after(limit);
    asio::awaitable<void> end = timer.async_wait(asio::use_awaitable);
    auto race = std::move(work) || std::move(end);
    auto first = co_await std::move(race);
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    co_return Outcome(OutcomeClass::ambiguous, "no answer in time");
  } catch (const std::exception& e) {
    co_return Outcome(OutcomeClass::retry, std::string("internal: ") + e.what());
  }
}

}  // namespace

Dispatcher::Dispatcher(asio::any_io_executor executor, store::Store& store, const Clock& clock, Metrics& metrics,
                       Raise raise)
    : impl_(std::make_unique<Impl>(std::move(executor), store, clock, metrics, std::move(raise))) {}
Dispatcher::~Dispatcher() = default;

Result<void> Dispatcher::start(std::vector<ConfiguredDestination> destinations) {
  return impl_->start(std::move(destinations));
}

void Dispatcher::reload(std::vector<ConfiguredDestination> destinations) {
  impl_->reload(std::move(destinations));
}

void Dispatcher::ring() {
  impl_->bell_.put(0);
}

void Dispatcher::pause(std::string name, std::string reason, std::function<void(Result<void>)> done) {
  impl_->pause(name, std::move(reason), std::move(done));
}

void Dispatcher::resume(std::string name, std::function<void(Result<void>)> done) {
  impl_->resume(name, std::move(done));
}

std::vector<DestinationStatus> Dispatcher::status() const {
  return impl_->status();
}

asio::awaitable<Result<Outcome>> Dispatcher::probe(std::string name) {
  const DestinationRuntime* runtime = impl_->configured(name);
  if (!runtime) co_return not_found("no destination is named " + name);
  const std::shared_ptr<destinations::Destination> destination = runtime->destination;
  const Millis limit = runtime->config.timeout + answer_slack;
  asio::awaitable<Outcome> work = destination->probe();
  Outcome outcome = co_await within(limit, impl_->executor_, std::move(work));
  co_return outcome;
}

asio::awaitable<Result<Outcome>> Dispatcher::send(std::string name, Attempt attempt) {
  const DestinationRuntime* runtime = impl_->configured(name);
  if (!runtime) co_return not_found("no destination is named " + name);
  const std::shared_ptr<destinations::Destination> destination = runtime->destination;
  const Millis limit = runtime->config.timeout + answer_slack;
  asio::awaitable<Outcome> work = destination->attempt(std::move(attempt));
  Outcome outcome = co_await within(limit, impl_->executor_, std::move(work));
  co_return outcome;
}

Result<destinations::CodeGrant> Dispatcher::begin_grant(const std::string& name, std::string redirect_uri) {
  const DestinationRuntime* runtime = impl_->configured(name);
  if (!runtime) return not_found("no destination is named " + name);
  return runtime->destination->begin_grant(std::move(redirect_uri));
}

asio::awaitable<Result<boost::json::object>> Dispatcher::finish_grant(std::string name, std::string state,
                                                                      std::string code) {
  const DestinationRuntime* runtime = impl_->configured(name);
  if (!runtime) co_return not_found("no destination is named " + name);
  const std::shared_ptr<destinations::Destination> destination = runtime->destination;
  auto finished = co_await destination->finish_grant(std::move(state), std::move(code));
  co_return finished;
}

asio::awaitable<bool> Dispatcher::drain(Millis limit) {
  return impl_->drain(limit);
}

}  // namespace chatrelay::deliver
