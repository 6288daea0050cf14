// Admission: whether a new webhook can still be committed within the time its sender waits. Pure: it is given the time
// and the store's load.
//
// A request that is let in is always answered by the store's callback; so the only way to keep a sender's deadline is
// not to let it in. Refusing stores nothing, not even half.
#pragma once

#include "common/clock.hpp"
#include "store/store.hpp"

namespace chatrelay::ingest {

class Admission {
 public:
  // False: answer 503.
  bool admits(const store::CommitLoad& load, Millis ack_budget, SteadyTime now);
  // What to tell the sender. `random` in [0, 1) spreads those that were refused together.
  static Millis retry_after(const store::CommitLoad& load, double random);

 private:
  // The store learns its pace from commits. If nothing were let in after a slow one, it would never learn that it is
  // fast again: so while nothing waits, one request at a time may find out.
  static constexpr Millis probe_every{250};
  SteadyTime next_probe_{};
};

}  // namespace chatrelay::ingest
