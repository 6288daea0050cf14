#include "deliver/lanes.hpp"

#include <algorithm>
#include <utility>

namespace chatrelay::deliver {

void LaneWindow::fetched(std::vector<store::StoredDelivery> heads, std::size_t limit, SteadyTime now) {
  may_have_more_ = heads.size() >= limit;
  for (auto& head : heads) add(std::move(head), now);
}

void LaneWindow::add(store::StoredDelivery head, SteadyTime now) {
  if (has(head.seq)) return;
  insert(head.seq);
  ready_.push_back({std::move(head), now});
}

std::optional<store::StoredDelivery> LaneWindow::take() {
  if (ready_.empty()) return std::nullopt;
  std::optional<store::StoredDelivery> next(std::move(ready_.front().delivery));
  ready_.pop_front();
  return next;
}

void LaneWindow::give_back(store::StoredDelivery delivery, SteadyTime now) {
  ready_.push_front({std::move(delivery), now});
}

void LaneWindow::done(DeliverySeq delivery) {
  erase(delivery);
  may_have_more_ = true;
}

bool LaneWindow::hold(DeliverySeq delivery) {
  if (has(delivery)) return false;
  insert(delivery);
  return true;
}

bool LaneWindow::drop_ready(DeliverySeq delivery) {
  const auto found = std::ranges::find_if(ready_, [&](const Ready& entry) { return entry.delivery.seq == delivery; });
  if (found == ready_.end()) return false;
  ready_.erase(found);
  erase(delivery);
  may_have_more_ = true;
  return true;
}

void LaneWindow::forget_ready() {
  if (ready_.empty()) return;
  for (const Ready& entry : ready_) erase(entry.delivery.seq);
  ready_.clear();
  may_have_more_ = true;
}

void LaneWindow::forget_ready_older_than(SteadyTime at) {
  if (!ready_.empty() && ready_.front().fetched_at < at) forget_ready();
}

bool LaneWindow::has(DeliverySeq delivery) const {
  return std::binary_search(taken_.begin(), taken_.end(), delivery);
}

void LaneWindow::insert(DeliverySeq delivery) {
  if (taken_.empty() || taken_.back() < delivery) {
    taken_.push_back(delivery);
    return;
  }
  taken_.insert(std::lower_bound(taken_.begin(), taken_.end(), delivery), delivery);
}

void LaneWindow::erase(DeliverySeq delivery) {
  const auto found = std::lower_bound(taken_.begin(), taken_.end(), delivery);
  if (found != taken_.end() && *found == delivery) taken_.erase(found);
}

}  // namespace chatrelay::deliver
