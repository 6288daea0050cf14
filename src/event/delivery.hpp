// Delivery: one event for one action of one destination. Its states, and the attempt that is made of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "event/event.hpp"

namespace chatrelay {

using DeliverySeq = std::uint64_t;

enum class DeliveryState : int {  // the numbers are on disk
  pending = 0,                    // waits in its lane
  deferred = 1,                   // will be tried again at due_at; blocks its lane
  held = 2,                       // waits for an operator; blocks its lane
  delivered = 3,                  // from here on the lane is released
  dead = 4,
  cancelled = 5,
};
inline bool is_open(DeliveryState s) {
  return s == DeliveryState::pending || s == DeliveryState::deferred || s == DeliveryState::held;
}
std::string_view to_string(DeliveryState state);
std::optional<DeliveryState> delivery_state_from(std::string_view text);

// A lane is named by a hash of destination, source and chat. Two chats whose hashes meet share a lane: order still
// holds.
using LaneId = std::uint64_t;  // 63 bits: SQLite's integers are signed
LaneId lane_of(std::string_view destination, std::string_view source, std::string_view chat_id);

// What a destination gets to deliver. Has a constructor: it crosses coroutine boundaries by value (g++ 12,
// ARCHITECTURE.md).
struct Attempt {
  Attempt() {}
  DeliverySeq delivery = 0;
  std::string id;  // ULID: the idempotency key. Invariant 5: the same at each attempt
  EventRef event;
  std::string event_id;
  std::string event_type;
  std::string source;
  std::string chat_id;  // empty if the event has no chat
  std::string thread_id;
  std::string action;  // empty: the destination's only action
  json::value with;    // rendered; its shape is the destination's business
  int number = 1;      // 1 for the first attempt
  WallTime planned_at;
  json::object links;     // of this destination, at the head of the lane: {visitor: {}, chat: {}, thread: {}}, texts
  json::object progress;  // Outcome::progress of the attempt before; empty for the first
};

}  // namespace chatrelay
