// Lanes: which deliveries of one destination are in our hands. Pure.
//
// The store knows the lanes' order and only ever hands out their heads; this keeps the small window in front of it:
// heads that were fetched and wait for a free slot, and those under way until the commit of their outcome. What is in
// the window is not fetched again, so a lane has at most one delivery in it, and its next one becomes visible by that
// commit. Invariant 4: a delivery leaves the window only after its outcome is committed (or with nothing having been
// tried).
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "common/clock.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

class LaneWindow {
 public:
  // Fetch when there may be something that is not in the window, and few are ready.
  bool wants_fetch(std::size_t low_water) const { return may_have_more_ && ready_.size() <= low_water; }
  // What Reader::due is to leave out: sorted.
  const std::vector<DeliverySeq>& taken() const { return taken_; }
  // What a fetch gave. `limit`: what was asked for; fewer came: there is nothing more until something changes.
  void fetched(std::vector<store::StoredDelivery> heads, std::size_t limit, SteadyTime now);
  // Heads that were found in another way (due in the future of a clock that jumped).
  void add(store::StoredDelivery head, SteadyTime now);
  // The lanes changed: look again.
  void changed() { may_have_more_ = true; }
  bool may_have_more() const { return may_have_more_; }

  std::optional<store::StoredDelivery> take();  // the next one that is ready; it counts as under way from now on
  void give_back(store::StoredDelivery delivery, SteadyTime now);  // taken, but nothing was tried
  void done(DeliverySeq delivery);                                 // its outcome is committed
  bool hold(DeliverySeq delivery);  // under way at once, without having been ready; false: it is in the window already
  bool drop_ready(DeliverySeq delivery);  // false: it is not among those that are ready
  // Drops what was fetched and not started: it may have been cancelled since, or the destination is not to be used now.
  void forget_ready();
  // Limit: how long a fetched head is trusted.
  void forget_ready_older_than(SteadyTime at);

  std::size_t ready() const { return ready_.size(); }
  std::size_t under_way() const { return taken_.size() - ready_.size(); }
  bool has(DeliverySeq delivery) const;

 private:
  void insert(DeliverySeq delivery);
  void erase(DeliverySeq delivery);
  struct Ready {
    store::StoredDelivery delivery;
    SteadyTime fetched_at;
  };
  std::deque<Ready> ready_;
  std::vector<DeliverySeq> taken_;  // ready or under way; sorted. Small: the window, so a vector beats a tree
  bool may_have_more_ = true;
};

}  // namespace chatrelay::deliver
