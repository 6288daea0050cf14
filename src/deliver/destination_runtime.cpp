#include "deliver/destination_runtime.hpp"

#include <algorithm>
#include <utility>

namespace chatrelay::deliver {

namespace {
std::optional<RateLimit> rate_limit_of(const config::DestinationConfig& config) {
  return config.rate ? std::optional<RateLimit>(RateLimit(*config.rate)) : std::nullopt;
}
bool same(const Rate& a, const Rate& b) {
  return a.count == b.count && a.per == b.per;
}
Millis rest(SteadyTime until, SteadyTime now) {
  return std::max(Millis{0}, std::chrono::duration_cast<Millis>(until - now));
}
}  // namespace

DestinationRuntime::DestinationRuntime(boost::asio::any_io_executor executor, ConfiguredDestination configured,
                                       Metrics& m)
    : config(std::move(configured.config)),
      destination(std::move(configured.destination)),
      metrics(m),
      circuit(config.circuit),
      rate(rate_limit_of(config)),
      timer(std::move(executor)),
      circuit_gauge_(m.gauge("chatrelay_circuit_state",
                             "Circuit of a destination: 0 closed, 1 ramping, 2 half open, 3 open",
                             {{"destination", config.name}})) {}

void DestinationRuntime::configure(ConfiguredDestination next) {
  // A bucket survives a reload that does not change its rate: a reload is no way around a limit.
  const bool keeps_rate = next.config.rate && rate && same(*next.config.rate, rate->rate());
  config = std::move(next.config);
  destination = std::move(next.destination);
  circuit.configure(config.circuit);
  if (!keeps_rate) rate = rate_limit_of(config);
  gone = false;
  window.changed();
}

void DestinationRuntime::restore(const store::DestinationState& saved, WallTime wall, SteadyTime now) {
  paused = saved.paused;
  disabled = saved.disabled;
  reason = saved.reason;
  changed_at = saved.changed_at;
  std::optional<Millis> open_for;
  if (saved.circuit_open_until && *saved.circuit_open_until > wall) open_for = *saved.circuit_open_until - wall;
  circuit.restore(saved.circuit_failures, open_for, now);
  if (saved.throttled_until && *saved.throttled_until > wall)
    throttled_until = now + std::min(*saved.throttled_until - wall, config.retry.give_up_after);
  show_circuit();
}

store::DestinationState DestinationRuntime::to_save(WallTime wall, SteadyTime now) const {
  store::DestinationState state;
  state.name = config.name;
  state.paused = paused;
  state.disabled = disabled;
  state.reason = reason;
  state.changed_at = changed_at;
  state.circuit_failures = circuit.faults();
  if (const auto until = circuit.open_until()) state.circuit_open_until = wall + rest(*until, now);
  if (throttled_until && *throttled_until > now) state.throttled_until = wall + rest(*throttled_until, now);
  return state;
}

DestinationStatus DestinationRuntime::status(WallTime wall, SteadyTime now) const {
  DestinationStatus status;
  status.name = config.name;
  status.description = destination ? destination->describe() : std::string();
  status.circuit = to_string(circuit.state());
  status.paused = paused;
  status.disabled = disabled;
  status.reason = reason;
  status.under_way = active.size();
  std::optional<SteadyTime> until = circuit.open_until();
  if (throttled_until && *throttled_until > now) until = std::max(until.value_or(*throttled_until), *throttled_until);
  if (until) status.waits_until = wall + rest(*until, now);
  return status;
}

void DestinationRuntime::count(OutcomeClass outcome) {
  const auto index = static_cast<std::size_t>(outcome);
  if (index >= attempts_.size()) return;
  if (!attempts_[index])
    attempts_[index] = &metrics.counter("chatrelay_attempts_total", "Attempts to deliver, by their outcome",
                                        {{"destination", config.name}, {"outcome", std::string(to_string(outcome))}});
  attempts_[index]->add();
}

void DestinationRuntime::show_circuit() {
  static constexpr std::array<double, 4> levels{0, 3, 2, 1};  // closed open half_open ramping
  circuit_gauge_.set(levels[static_cast<std::size_t>(circuit.state())]);
}

}  // namespace chatrelay::deliver
