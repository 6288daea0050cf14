// Batches: which deliveries of one destination leave in one request. Pure: it is given the time.
//
// Deliveries of one action gather until they are as many as fit, or the first of them has waited long enough. Those of
// a request that failed as a whole stay together, in their order, and take nobody else in; one that is to leave alone
// is such a group of its own. Groups are in memory only: after a restart deliveries are grouped anew.
//
// Does not look whether what gathered is still to be sent: who waited may have been cancelled meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/clock.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

class Batches {
 public:
  struct Leaving {
    std::vector<store::StoredDelivery> deliveries;  // at least one
    bool waited = false;                            // since an earlier round
  };
  // Is a delivery, of a group, that is not here yet about to come?
  using IsComing = std::function<bool(DeliverySeq delivery)>;

  // A look at what may start: what gathers in one round has not waited.
  void begin_round() { ++round_; }
  // One that could leave alone now.
  void add(store::StoredDelivery delivery, std::size_t max, Millis wait, SteadyTime now);
  // The next ones to leave. `nothing_more`: there is no other delivery that could leave now.
  std::optional<Leaving> take(SteadyTime now, bool nothing_more, const IsComing& is_coming);
  // When to look again, if nothing comes before that.
  std::optional<SteadyTime> next_leave() const;

  // Out of what gathers; nullopt: it is not there.
  std::optional<store::StoredDelivery> drop(DeliverySeq delivery);
  // Everything that gathers. Groups stay known.
  std::vector<store::StoredDelivery> drop_all();
  bool empty() const { return gathering_.empty(); }

  // From now on these leave together and with nobody else, until they have left once more.
  void keep_together(std::vector<DeliverySeq> members);
  std::size_t groups() const { return groups_.size(); }

  static constexpr std::size_t groups_max = 4096;           // Limit: the oldest is forgotten, and grouped anew
  static constexpr std::chrono::seconds group_patience{1};  // for members whose outcome is still being committed

 private:
  using Group = std::vector<DeliverySeq>;
  struct Gathering {
    std::string action;
    Group group;  // who belongs to it; empty: whoever comes
    std::vector<store::StoredDelivery> deliveries;
    std::size_t max = 1;
    SteadyTime leaves_at{};
    std::uint64_t round = 0;
    bool full() const { return deliveries.size() >= (group.empty() ? max : group.size()); }
    bool has(DeliverySeq delivery) const;
  };
  Gathering& place_for(const store::StoredDelivery& delivery, std::size_t max, Millis wait, SteadyTime now);
  Group take_group(DeliverySeq member);
  bool may_leave(const Gathering& gathering, SteadyTime now, bool nothing_more, const IsComing& is_coming) const;

  std::list<Gathering> gathering_;  // in the order in which they began
  std::list<Group> groups_;         // oldest first
  std::unordered_map<DeliverySeq, std::list<Group>::iterator> group_of_;
  std::uint64_t round_ = 0;
};

}  // namespace chatrelay::deliver
