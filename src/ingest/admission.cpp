#include "ingest/admission.hpp"

#include <algorithm>

namespace chatrelay::ingest {

bool Admission::admits(const store::CommitLoad& load, Millis ack_budget, SteadyTime now) {
  // Half of the budget: the other half is the way back, and the group that is being gathered just now.
  const Millis limit = ack_budget / 2;
  if (load.oldest_waiting + load.recent_max <= limit) return true;
  if (load.waiting > 0 || load.oldest_waiting > limit) return false;
  if (now < next_probe_) return false;
  next_probe_ = now + probe_every;
  return true;
}

Millis Admission::retry_after(const store::CommitLoad& load, double random) {
  const Millis base = std::clamp<Millis>(load.oldest_waiting + load.recent_max, Millis{1'000}, Millis{30'000});
  const auto spread = static_cast<long long>(random * static_cast<double>((base + Millis{4'000}).count()));
  return base + Millis{spread};
}

}  // namespace chatrelay::ingest
