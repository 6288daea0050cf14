// A directory with a SQLite store, and what the tests of that backend need beside the contract suite.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "contract/store/store_contract.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace chatrelay::store::sqlite {

class SqliteTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "chatrelay-sqlite-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    options.path = directory + "/store.db";
    options.dedup_bucket_keys = 50;
  }
  void TearDown() override {
    store.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  void start() {
    store.reset();
    auto opened = open(options, clock, metrics);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  WallTime now() const { return clock.now(); }

  ManualClock clock{from_ms(1'763'600'000'000)};
  Metrics metrics;
  std::string directory;
  Options options;
  std::unique_ptr<Store> store;
};

}  // namespace chatrelay::store::sqlite
