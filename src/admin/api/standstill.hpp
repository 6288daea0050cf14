// Standstill: destinations that deliver nothing until an operator acts: paused, disabled, or configured no longer.
//
// Their open deliveries are shown as held, with the reason, and are found by state=held. The store keeps them as they
// were: a pause is one row, however many deliveries wait. A value: made on the executor's thread, used on the reader's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "deliver/dispatcher.hpp"
#include "store/store.hpp"

namespace chatrelay::admin::api {

class Standstill {
 public:
  explicit Standstill(const std::vector<deliver::DestinationStatus>& configured);

  void apply(store::StoredDelivery& delivery) const;
  void apply(store::DestinationBacklog& backlog) const;
  // Reader::list_deliveries, where held in the filter also means what is shown as held.
  Result<std::vector<store::StoredDelivery>> list(store::Reader& reader, const store::DeliveryFilter& filter) const;

 private:
  // "paused: maintenance"; empty: it delivers.
  std::string why(const std::string& destination) const;
  // Those that `filter` may speak of.
  Result<std::vector<std::string>> standing_still(store::Reader& reader, const store::DeliveryFilter& filter) const;

  std::map<std::string, std::string> why_;  // of every configured destination; empty: it delivers
};

}  // namespace chatrelay::admin::api
