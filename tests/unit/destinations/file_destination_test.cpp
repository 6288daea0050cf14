#include "destinations/file/file_destination.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "destinations/kinds.hpp"
#include "store/memory/memory_store.hpp"
#include "unit/destinations/support.hpp"

using namespace chatrelay;
using namespace chatrelay::destinations;
using destinations::testing::read_file;
using destinations::testing::run;
using destinations::testing::TempFolder;
using ::testing::HasSubstr;

namespace {

struct Fixture {
  boost::asio::io_context io{1};
  http::Client client{io.get_executor(), http::Client::Options{}};
  ManualClock clock{from_ms(1'763'632'800'000)};
  RoomBell bell;
  const std::unique_ptr<store::Store> store = store::make_memory_store(clock);
  Context context{io.get_executor(), client, clock, {}, "relay.example", *store, bell};
};

Attempt attempt(std::string_view with) {
  Attempt a;
  a.id = "01JCZ000000000000000000001";
  a.with = *parse_json(with);
  return a;
}

struct Configured {
  config::Problems problems;
  config::Config config;
};

std::unique_ptr<Configured> configure(const std::string& destination) {
  auto configured = std::make_unique<Configured>();
  configured->config = config::parse_config("destinations:\n  archive: " + destination + "\n", "chatrelay.yaml",
                                            configured->problems, config::Environment::process());
  return configured;
}

}  // namespace

TEST(FileDestination, OneLineForEachDelivery) {
  const TempFolder folder;
  Fixture f;
  file::FileDestination destination({folder / "a.jsonl", 0600}, f.context);
  const std::string text = R"({"body":{"text":"two\nlines","n":1}})";
  EXPECT_EQ(run(f.io, destination.attempt(attempt(text))).klass, OutcomeClass::ok);
  EXPECT_EQ(run(f.io, destination.attempt(attempt(R"({"id":"01E","type":"incoming_chat","body":1})"))).klass,
            OutcomeClass::ok);
  EXPECT_EQ(run(f.io, destination.attempt(attempt("{}"))).klass, OutcomeClass::ok);
  EXPECT_EQ(read_file(folder / "a.jsonl"),
            "{\"text\":\"two\\nlines\",\"n\":1}\n{\"id\":\"01E\",\"type\":\"incoming_chat\",\"body\":1}\nnull\n");
}

TEST(FileDestination, ManyAttemptsAtOnceAllEndAndNoneIsLostOrDoubled) {
  const TempFolder folder;
  Fixture f;
  file::FileDestination destination({folder / "a.jsonl", 0600}, f.context);
  int ok = 0;
  for (int i = 0; i < 500; ++i) {
    auto done = [&](std::exception_ptr, Outcome outcome) {
      if (outcome.klass == OutcomeClass::ok && ++ok == 500) f.io.stop();
    };
    boost::asio::co_spawn(f.io, destination.attempt(attempt("{\"body\":" + std::to_string(i) + "}")), done);
  }
  auto guard = boost::asio::make_work_guard(f.io);
  f.io.run();
  std::string expected;
  for (int i = 0; i < 500; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(read_file(folder / "a.jsonl"), expected);  // also in the order in which they were begun
}

TEST(FileDestination, LocalTroubleIsRetriedAsTheDestinationsFault) {
  const TempFolder folder;
  Fixture f;
  file::FileDestination destination({folder / "missing/a.jsonl", 0600}, f.context);
  const Outcome outcome = run(f.io, destination.attempt(attempt("{\"body\":1}")));
  EXPECT_EQ(outcome.klass, OutcomeClass::retry);
  EXPECT_TRUE(outcome.destination_fault);
  EXPECT_THAT(outcome.reason, HasSubstr("create it"));
  EXPECT_EQ(run(f.io, destination.probe()).klass, OutcomeClass::retry);
}

TEST(FileDestination, AProbeWritesNothing) {
  const TempFolder folder;
  Fixture f;
  file::FileDestination destination({folder / "a.jsonl", 0600}, f.context);
  EXPECT_EQ(run(f.io, destination.probe()).klass, OutcomeClass::ok);
  EXPECT_EQ(read_file(folder / "a.jsonl"), "");
  EXPECT_EQ(destination.describe(), "append to " + (folder / "a.jsonl"));
}

TEST(FileKind, SchemaAndMake) {
  const TempFolder folder;
  auto configured = configure("{kind: file, path: " + (folder / "a.jsonl") + ", mode: \"0600\"}");
  const auto* config = configured->config.destination("archive");
  ASSERT_NE(config, nullptr) << configured->problems.to_string();
  const rules::Target target = file_kind().schema(*config, configured->problems);
  EXPECT_EQ(configured->problems.to_string(), "");
  EXPECT_EQ(target.default_action, "append");
  EXPECT_TRUE(target.actions.at("append").whole_event_without_with);
  EXPECT_TRUE(target.actions.at("append").with.at("body").required);
  Fixture f;
  const auto destination = file_kind().make(*config, f.context, configured->problems);
  ASSERT_NE(destination, nullptr);
  EXPECT_EQ(run(f.io, destination->attempt(attempt("{\"body\":1}"))).klass, OutcomeClass::ok);
}

TEST(FileKind, WrongSettingsAreProblems) {
  const auto problems = [](const std::string& text) {
    auto configured = configure(text);
    const auto* config = configured->config.destination("archive");
    if (config != nullptr) file_kind().schema(*config, configured->problems);
    return configured->problems.to_string();
  };
  EXPECT_THAT(problems("{kind: file}"), HasSubstr("path"));
  EXPECT_THAT(problems("{kind: file, path: /tmp}"), HasSubstr("is a folder"));
  EXPECT_THAT(problems("{kind: file, path: /tmp/x, mode: rw}"), HasSubstr("octal"));
  EXPECT_THAT(problems("{kind: file, path: /tmp/x, mode: \"0444\"}"), HasSubstr("owner"));
  EXPECT_THAT(problems("{kind: file, path: /tmp/x, pth: y}"), HasSubstr("path"));
  EXPECT_THAT(problems("{kind: file, path: /nowhere/at/all/x}"), HasSubstr("does not exist"));
}
