// AttemptBuilder: what a destination is handed, made from a stored delivery and the event it belongs to.
// Keeps the names (never the bodies) of the last events: one event usually has several deliveries.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/delivery.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

class AttemptBuilder {
 public:
  explicit AttemptBuilder(store::Reader& reader) : reader_(reader) {}
  // Errors: unavailable (the disk: try again later); invalid (the payload cannot be read: it never will be).
  // An event that retention has taken leaves its names empty: the delivery goes out all the same.
  Result<Attempt> build(const store::StoredDelivery& delivery);

 private:
  struct Names {
    std::optional<store::StoredEvent> event;  // body left out
    std::vector<store::PlannedPart> parts;
  };
  Result<const Names*> names(EventSeq seq);

  static constexpr std::size_t cache_max = 1024;  // Limit: some hundred bytes each
  store::Reader& reader_;
  std::unordered_map<EventSeq, Names> cache_;
  std::deque<EventSeq> order_;  // oldest first
};

}  // namespace chatrelay::deliver
