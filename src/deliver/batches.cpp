#include "deliver/batches.hpp"

#include <algorithm>
#include <utility>

namespace chatrelay::deliver {

bool Batches::Gathering::has(DeliverySeq delivery) const {
  return std::ranges::any_of(deliveries, [&](const store::StoredDelivery& one) { return one.seq == delivery; });
}

void Batches::add(store::StoredDelivery delivery, std::size_t max, Millis wait, SteadyTime now) {
  Gathering& place = place_for(delivery, max, wait, now);
  place.deliveries.push_back(std::move(delivery));
}

Batches::Gathering& Batches::place_for(const store::StoredDelivery& delivery, std::size_t max, Millis wait,
                                       SteadyTime now) {
  for (Gathering& one : gathering_)
    if (std::ranges::find(one.group, delivery.seq) != one.group.end()) return one;
  Gathering next;
  next.group = take_group(delivery.seq);
  if (next.group.size() > max) next.group.clear();  // fewer fit now than then
  if (next.group.empty()) {
    for (Gathering& one : gathering_)
      if (one.group.empty() && one.action == delivery.action && !one.full()) return one;
  }
  next.action = delivery.action;
  next.max = max;
  next.leaves_at = now + (next.group.empty() ? wait : std::chrono::duration_cast<Millis>(group_patience));
  next.round = round_;
  return gathering_.emplace_back(std::move(next));
}

bool Batches::may_leave(const Gathering& gathering, SteadyTime now, bool nothing_more,
                        const IsComing& is_coming) const {
  if (gathering.full()) return true;
  // Who has waited long enough leaves before anything else is begun; who has just come, after what else is there now.
  if (gathering.leaves_at <= now) return nothing_more || gathering.round != round_;
  if (gathering.group.empty() || !nothing_more) return false;
  return std::ranges::none_of(gathering.group,
                              [&](DeliverySeq member) { return !gathering.has(member) && is_coming(member); });
}

std::optional<Batches::Leaving> Batches::take(SteadyTime now, bool nothing_more, const IsComing& is_coming) {
  const auto next = std::ranges::find_if(
      gathering_, [&](const Gathering& one) { return may_leave(one, now, nothing_more, is_coming); });
  if (next == gathering_.end()) return std::nullopt;
  Leaving leaving;
  leaving.waited = next->round != round_;
  leaving.deliveries = std::move(next->deliveries);
  const auto place = [&](const store::StoredDelivery& one) { return std::ranges::find(next->group, one.seq); };
  if (!next->group.empty())
    std::ranges::sort(leaving.deliveries, [&](const auto& a, const auto& b) { return place(a) < place(b); });
  gathering_.erase(next);
  return leaving;
}

std::optional<SteadyTime> Batches::next_leave() const {
  if (gathering_.empty()) return std::nullopt;
  return std::ranges::min_element(gathering_, {}, &Gathering::leaves_at)->leaves_at;
}

std::optional<store::StoredDelivery> Batches::drop(DeliverySeq delivery) {
  for (auto one = gathering_.begin(); one != gathering_.end(); ++one) {
    const auto found = std::ranges::find(one->deliveries, delivery, &store::StoredDelivery::seq);
    if (found == one->deliveries.end()) continue;
    std::optional<store::StoredDelivery> dropped(std::move(*found));
    one->deliveries.erase(found);
    std::erase(one->group, delivery);
    if (one->deliveries.empty()) {
      if (!one->group.empty()) keep_together(std::move(one->group));
      gathering_.erase(one);
    }
    return dropped;
  }
  return std::nullopt;
}

std::vector<store::StoredDelivery> Batches::drop_all() {
  std::vector<store::StoredDelivery> dropped;
  for (Gathering& one : gathering_) {
    if (!one.group.empty()) keep_together(std::move(one.group));
    std::ranges::move(one.deliveries, std::back_inserter(dropped));
  }
  gathering_.clear();
  return dropped;
}

void Batches::keep_together(std::vector<DeliverySeq> members) {
  if (members.empty()) return;
  for (const DeliverySeq member : members) take_group(member);
  if (groups_.size() >= groups_max) take_group(groups_.front().front());
  const auto group = groups_.insert(groups_.end(), std::move(members));
  for (const DeliverySeq member : *group) group_of_[member] = group;
}

// The group is forgotten with this.
Batches::Group Batches::take_group(DeliverySeq member) {
  const auto known = group_of_.find(member);
  if (known == group_of_.end()) return {};
  const auto at = known->second;
  Group group = std::move(*at);
  groups_.erase(at);
  for (const DeliverySeq one : group) group_of_.erase(one);
  return group;
}

}  // namespace chatrelay::deliver
