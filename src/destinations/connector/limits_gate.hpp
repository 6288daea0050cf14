// enter: waits until the limits of a destination let one more request through, or says when to come back.
//
// Whoever has no patience for the whole wait does not hold a place in a queue: the delivery goes back to its lane.
#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"
#include "destinations/connector/limits.hpp"

namespace chatrelay::destinations::connector {

struct LimitEntry {
  LimitEntry() {}
  std::optional<LimitPermit> permit;  // keep it until the answer is there
  Millis come_back{0};                // without a permit: not before
};

// Thread: delivery. `limits` and `clock` live longer than the wait. Terminal cancellation ends it by an exception.
boost::asio::awaitable<LimitEntry> enter(LimitSet& limits, const Clock& clock, Millis patience);

}  // namespace chatrelay::destinations::connector
