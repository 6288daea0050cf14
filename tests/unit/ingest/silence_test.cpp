#include "ingest/silence.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "unit/ingest/fakes.hpp"

namespace chatrelay::ingest {
namespace {

using std::chrono::minutes;

TEST(SilenceWatch, TellsOncePerSilence) {
  SilenceWatch watch;
  const SteadyTime start{minutes(100)};
  watch.watch({{"livechat", minutes(10)}}, start);
  EXPECT_TRUE(watch.check(start + minutes(9)).empty());
  const auto silent = watch.check(start + minutes(11));
  ASSERT_EQ(silent.size(), 1u);
  EXPECT_EQ(silent[0].source, "livechat");
  EXPECT_EQ(silent[0].silent_for, minutes(11));
  EXPECT_TRUE(watch.check(start + minutes(60)).empty()) << "once is enough";

  watch.heard("livechat", start + minutes(61));
  EXPECT_TRUE(watch.check(start + minutes(70)).empty());
  EXPECT_EQ(watch.check(start + minutes(71)).size(), 1u) << "a new silence";
}

TEST(SilenceWatch, CountsFromTheStartOfListening) {
  SilenceWatch watch;
  watch.watch({{"a", minutes(10)}}, SteadyTime{minutes(100)});
  EXPECT_TRUE(watch.check(SteadyTime{minutes(105)}).empty());
}

TEST(SilenceWatch, KeepsWhatItKnowsOverAReload) {
  SilenceWatch watch;
  const SteadyTime start{minutes(100)};
  watch.watch({{"a", minutes(10)}, {"b", minutes(10)}}, start);
  EXPECT_EQ(watch.check(start + minutes(20)).size(), 2u);
  watch.watch({{"a", minutes(10)}, {"c", minutes(10)}}, start + minutes(20));
  EXPECT_TRUE(watch.check(start + minutes(25)).empty()) << "a was told, b is gone, c is new";
  EXPECT_EQ(watch.check(start + minutes(30)).size(), 1u);
  watch.heard("nobody", start);  // not watched: nothing happens
}

TEST(SilenceWatch, HearsNothingFromThePast) {
  SilenceWatch watch;
  const SteadyTime start{minutes(100)};
  watch.watch({{"a", minutes(10)}}, start);
  ASSERT_EQ(watch.check(start + minutes(10)).size(), 1u);
  watch.heard("a", start - minutes(5));
  EXPECT_TRUE(watch.check(start + minutes(40)).empty());
}

TEST(SilenceAlarm, AppendsAnOwnEvent) {
  boost::asio::io_context context;
  ManualClock clock(from_ms(1'800'000'000'000));
  test::ScriptedStore store;
  std::optional<SteadyTime> heard;
  SilenceAlarm alarm(context.get_executor(), store, clock, [&](std::string_view) { return heard; });
  config::SourceConfig quiet;
  quiet.name = "livechat";
  quiet.silent_after = minutes(10);
  config::SourceConfig unwatched;
  unwatched.name = "forms";
  alarm.set_sources({quiet, unwatched});

  clock.advance(minutes(5));
  heard = clock.steady();
  alarm.check();
  clock.advance(minutes(9));
  alarm.check();
  EXPECT_TRUE(store.appended.empty());
  clock.advance(minutes(1));
  alarm.check();
  alarm.check();
  ASSERT_EQ(store.appended.size(), 1u);
  EXPECT_EQ(store.appended[0].source, "chatrelay");
  const auto body = parse_json(store.appended[0].body);
  ASSERT_TRUE(body);
  EXPECT_EQ(string_at(*body, "type"), "source_silent");
  EXPECT_EQ(find_path(*body, {"activity", "source"})->as_string(), "livechat");
}

}  // namespace
}  // namespace chatrelay::ingest
