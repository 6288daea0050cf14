#include "admin/api/standstill.hpp"

#include <algorithm>

#include "deliver/retry_policy.hpp"

namespace chatrelay::admin::api {
namespace {

bool waits(DeliveryState state) {
  return state == DeliveryState::pending || state == DeliveryState::deferred;
}

bool wants(const store::DeliveryFilter& filter, DeliveryState state) {
  return filter.states.empty() || std::find(filter.states.begin(), filter.states.end(), state) != filter.states.end();
}

}  // namespace

Standstill::Standstill(const std::vector<deliver::DestinationStatus>& configured) {
  for (const deliver::DestinationStatus& status : configured) {
    std::string& why = why_[status.name];
    if (status.paused) why = "paused: " + status.reason;
    if (status.disabled) why = deliver::held_by_disable + status.reason;
  }
}

std::string Standstill::why(const std::string& destination) const {
  const auto found = why_.find(destination);
  return found == why_.end() ? "the destination is not configured" : found->second;
}

void Standstill::apply(store::StoredDelivery& delivery) const {
  if (!waits(delivery.state)) return;
  std::string reason = why(delivery.destination);
  if (reason.empty()) return;
  delivery.state = DeliveryState::held;
  delivery.reason = std::move(reason);
}

void Standstill::apply(store::DestinationBacklog& backlog) const {
  if (why(backlog.destination).empty()) return;
  backlog.held += backlog.pending + backlog.deferred;
  backlog.pending = backlog.deferred = 0;
}

Result<std::vector<std::string>> Standstill::standing_still(store::Reader& reader,
                                                            const store::DeliveryFilter& filter) const {
  std::vector<std::string> names;
  if (!filter.destination.empty()) {
    if (!why(filter.destination).empty()) names.push_back(filter.destination);
    return names;
  }
  const auto backlog = reader.backlog();  // names those that are configured no longer, too
  if (!backlog) return backlog.error();
  for (const store::DestinationBacklog& one : *backlog)
    if (one.pending + one.deferred > 0 && !why(one.destination).empty()) names.push_back(one.destination);
  return names;
}

Result<std::vector<store::StoredDelivery>> Standstill::list(store::Reader& reader,
                                                            const store::DeliveryFilter& filter) const {
  auto rows = reader.list_deliveries(filter);
  if (!rows) return rows.error();
  const bool found_already = wants(filter, DeliveryState::pending) && wants(filter, DeliveryState::deferred);
  if (wants(filter, DeliveryState::held) && !found_already) {
    const auto names = standing_still(reader, filter);
    if (!names) return names.error();
    store::DeliveryFilter waiting = filter;
    waiting.states = {DeliveryState::pending, DeliveryState::deferred};
    for (const std::string& name : *names) {
      waiting.destination = name;
      auto more = reader.list_deliveries(waiting);
      if (!more) return more.error();
      std::move(more->begin(), more->end(), std::back_inserter(*rows));
    }
    // Not std::ranges::unique: clang 14 cannot read libstdc++'s subrange.
    const auto newer = [](const auto& a, const auto& b) { return a.seq > b.seq; };
    const auto same = [](const auto& a, const auto& b) { return a.seq == b.seq; };
    std::sort(rows->begin(), rows->end(), newer);
    rows->erase(std::unique(rows->begin(), rows->end(), same), rows->end());
    if (rows->size() > filter.page.limit) rows->resize(filter.page.limit);
  }
  for (store::StoredDelivery& row : *rows) apply(row);
  return rows;
}

}  // namespace chatrelay::admin::api
