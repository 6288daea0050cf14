// The suite that every Store passes. A backend instantiates it with a factory (see tests/unit/store).
// Waiting is done on callbacks, never by sleeping.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "store/store.hpp"

namespace chatrelay::store::contract {

struct Backend {
  std::string name;
  // `queue_max` 0: the default. The directory lives as long as the test.
  std::function<std::unique_ptr<Store>(const std::string& directory, const Clock& clock, Metrics& metrics,
                                       std::uint64_t queue_max)>
      make;
};

// Hands a call's callback over and waits for its answer: wait<bool>([&](auto done) { store.record(x, done); }).
template <class T>
Result<T> wait(const std::function<void(Done<T>)>& call) {
  std::promise<Result<T>> promise;
  auto future = promise.get_future();
  call([&](Result<T> result) { promise.set_value(std::move(result)); });
  return future.get();
}

NewEvent make_event(const std::string& body, WallTime at, const std::string& source = "livechat");
Hash128 key(std::uint64_t n);
Result<Appended> append(Store& store, NewEvent event);
Result<Appended> append_once(Store& store, const std::string& body, WallTime at, Hash128 dedup, Millis window);
NewDelivery make_delivery(const std::string& destination, LaneId lane, const std::string& rule = "r",
                          const std::string& payload = "{\"a\":1}");
// A plan of one part in chat `chat_id` ("" for none).
Plan make_plan(EventSeq event, const std::string& chat_id, std::vector<NewDelivery> deliveries, WallTime at);
Result<std::vector<DeliverySeq>> apply(Store& store, Plan plan);
// Appends an event and plans it; the seqs of its deliveries.
std::vector<DeliverySeq> plan_new(Store& store, WallTime at, std::vector<NewDelivery> deliveries,
                                  const std::string& chat_id = "");
AttemptResult attempt(DeliverySeq delivery, DeliveryState state, WallTime now, WallTime due = {},
                      OutcomeClass outcome = OutcomeClass::ok);
Result<bool> record(Store& store, AttemptResult result);
Result<std::size_t> retry(Store& store, std::vector<DeliverySeq> deliveries, WallTime now);
Result<std::size_t> cancel(Store& store, std::vector<DeliverySeq> deliveries, WallTime now);
std::vector<DeliverySeq> due(Reader& reader, const std::string& destination, WallTime now, std::size_t limit = 100,
                             const std::vector<DeliverySeq>& skip = {});
// Backlogs and totals equal what a look at every delivery gives.
void expect_counters_right(Reader& reader);

class StoreContract : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override;
  void TearDown() override;
  void reopen(std::uint64_t queue_max = 0);
  ManualClock clock{from_ms(1'763'600'000'000)};
  Metrics metrics;
  std::string directory;
  std::unique_ptr<Store> store;
  std::unique_ptr<Reader> reader;
  WallTime now() const { return clock.now(); }
};

}  // namespace chatrelay::store::contract
