// The stores that the contract suite runs over.
#pragma once

#include "contract/store/store_contract.hpp"
#include "store/memory/memory_store.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace chatrelay::store::contract {

inline std::vector<Backend> backends() {
  Backend sqlite{"sqlite",
                 [](const std::string& directory, const Clock& clock, Metrics& metrics, std::uint64_t queue_max) {
                   sqlite::Options options;
                   options.path = directory + "/store.db";
                   options.dedup_bucket_keys = 50;
                   if (queue_max != 0) options.queue_max = queue_max;
                   auto opened = sqlite::open(options, clock, metrics);
                   EXPECT_TRUE(opened) << opened.error().message;
                   return opened ? std::move(*opened) : nullptr;
                 }};
  Backend memory{"memory", [](const std::string&, const Clock& clock, Metrics&, std::uint64_t queue_max) {
                   MemoryOptions options;
                   if (queue_max != 0) options.queue_max = queue_max;
                   return make_memory_store(clock, options);
                 }};
  return {sqlite, memory};
}

inline std::string backend_name(const testing::TestParamInfo<Backend>& info) {
  return info.param.name;
}

}  // namespace chatrelay::store::contract
