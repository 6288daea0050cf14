#include "deliver/circuit.hpp"

#include <algorithm>

namespace chatrelay::deliver {

std::string_view to_string(CircuitState state) {
  switch (state) {
    case CircuitState::closed:
      return "closed";
    case CircuitState::open:
      return "open";
    case CircuitState::half_open:
      return "half_open";
    case CircuitState::ramping:
      return "ramping";
  }
  return "closed";
}

std::size_t Circuit::allowed(SteadyTime now, std::size_t concurrency) {
  if (state_ == CircuitState::open && now >= until_) state_ = CircuitState::half_open;
  if (state_ == CircuitState::ramping && now - since_ >= config_.ramp) {
    state_ = CircuitState::closed;
    openings_ = 0;
  }
  switch (state_) {
    case CircuitState::closed:
      return concurrency;
    case CircuitState::open:
      return 0;
    case CircuitState::half_open:
      return probing_ ? 0 : 1;
    case CircuitState::ramping: {
      const double done = std::chrono::duration<double>(now - since_) / std::chrono::duration<double>(config_.ramp);
      return 1 + static_cast<std::size_t>(static_cast<double>(concurrency - std::min<std::size_t>(concurrency, 1)) *
                                          std::clamp(done, 0.0, 1.0));
    }
  }
  return concurrency;
}

bool Circuit::begin() {
  if (state_ != CircuitState::half_open) return false;
  probing_ = true;
  return true;
}

bool Circuit::end(CircuitEffect effect, bool probe, SteadyTime now) {
  if (probe) {
    probing_ = false;
    if (state_ != CircuitState::half_open) return false;
    if (effect == CircuitEffect::not_asked) return false;  // it proved nothing: the next one may start
    if (effect == CircuitEffect::fault) {
      ++faults_;
      open(now);
      return true;
    }
    // It answered, whatever it said: it is there again.
    ramp_up(now);
    return true;
  }
  // An attempt from before the circuit opened says nothing new.
  if (state_ == CircuitState::open || state_ == CircuitState::half_open) return false;
  if (effect == CircuitEffect::success) faults_ = 0;
  if (effect != CircuitEffect::fault) return false;
  if (++faults_ < std::max<std::int64_t>(config_.failures, 1)) return false;
  open(now);
  return true;
}

void Circuit::ramp_up(SteadyTime now) {
  faults_ = 0;
  probing_ = false;
  since_ = now;
  state_ = CircuitState::ramping;
}

void Circuit::restore(std::int64_t faults, std::optional<Millis> remaining, SteadyTime now) {
  faults_ = std::max<std::int64_t>(faults, 0);
  if (!remaining) return;
  // How often it had opened is not kept: every fault beyond the threshold was a failed probe.
  openings_ = static_cast<int>(std::clamp<std::int64_t>(faults_ - config_.failures + 1, 1, 30));
  since_ = now;
  until_ = now + std::clamp(*remaining, Millis{0}, config_.open_max);
  state_ = CircuitState::open;
}

std::optional<SteadyTime> Circuit::open_until() const {
  return state_ == CircuitState::open ? std::optional(until_) : std::nullopt;
}

std::optional<SteadyTime> Circuit::next_change(SteadyTime now, std::size_t concurrency) const {
  if (state_ == CircuitState::open) return until_;
  if (state_ != CircuitState::ramping || concurrency < 2) return std::nullopt;
  const SteadyTime::duration step =
      std::max<SteadyTime::duration>(config_.ramp / static_cast<long>(concurrency - 1), Millis{1});
  const auto steps = (now - since_) / step + 1;
  return since_ + step * steps;
}

void Circuit::open(SteadyTime now) {
  ++openings_;
  since_ = now;
  until_ = now + open_time();
  state_ = CircuitState::open;
}

Millis Circuit::open_time() const {
  const long long doubled = config_.open_for.count() << std::clamp(openings_ - 1, 0, 20);
  return std::min(Millis{doubled}, std::max(config_.open_for, config_.open_max));
}

}  // namespace chatrelay::deliver
