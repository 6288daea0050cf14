#include "common/units.hpp"

#include <gtest/gtest.h>

namespace chatrelay {
namespace {

using namespace std::chrono_literals;

TEST(Duration, TakesEveryUnit) {
  EXPECT_EQ(*parse_duration("0"), 0ms);
  EXPECT_EQ(*parse_duration("0s"), 0ms);
  EXPECT_EQ(*parse_duration("50ms"), 50ms);
  EXPECT_EQ(*parse_duration("30s"), 30s);
  EXPECT_EQ(*parse_duration("5m"), 5min);
  EXPECT_EQ(*parse_duration("12h"), 12h);
  EXPECT_EQ(*parse_duration("3d"), std::chrono::days(3));
  EXPECT_EQ(*parse_duration("36500d"), std::chrono::days(36500));
}

TEST(Duration, RefusesWhatCouldMeanSomethingElse) {
  for (const char* text : {"", "5", "s", "-5s", "+5s", "5 s", "1.5h", "5S", "5min", "5sec", "1h30m", "0x5s", "5s ",
                           " 5s", "5w", "99999999999999999999s", "9223372036854775807d", "40000d", "1e3s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, SaysWhatWouldBeRight) {
  EXPECT_NE(parse_duration("5").error().message.find("like 30s"), std::string::npos);
  EXPECT_NE(parse_duration("40000d").error().message.find("100 years"), std::string::npos);
}

TEST(Duration, FormatIsTheShortestExactForm) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(5min), "5m");
  EXPECT_EQ(format_duration(90min), "90m");
  EXPECT_EQ(format_duration(24h), "1d");
  EXPECT_EQ(format_duration(36h), "36h");
}

TEST(Duration, FormatReadsBack) {
  for (const long long ms : {1ll, 999ll, 1000ll, 61'000ll, 3'600'000ll, 86'400'000ll, 123'456'789ll})
    EXPECT_EQ(*parse_duration(format_duration(Millis(ms))), Millis(ms)) << ms;
}

TEST(Size, TakesEveryUnit) {
  EXPECT_EQ(*parse_size("512"), 512u);
  EXPECT_EQ(*parse_size("512B"), 512u);
  EXPECT_EQ(*parse_size("64KiB"), 64u << 10);
  EXPECT_EQ(*parse_size("1MiB"), 1u << 20);
  EXPECT_EQ(*parse_size("2GiB"), 2ull << 30);
  EXPECT_EQ(*parse_size("5KB"), 5'000u);
  EXPECT_EQ(*parse_size("5MB"), 5'000'000u);
  EXPECT_EQ(*parse_size("5GB"), 5'000'000'000ull);
}

TEST(Size, RefusesTheRest) {
  for (const char* text : {"", "MiB", "-1", "1.5MiB", "1 MiB", "1mib", "1Mi", "18446744073709551616", "9999999999GiB"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Size, FormatIsForPeople) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1.0 KiB");
  EXPECT_EQ(format_size(1536 << 10), "1.5 MiB");
  EXPECT_EQ(format_size(~0ull), "16.0 EiB");
}

TEST(RateText, TakesEveryPeriod) {
  const auto check = [](const char* text, std::int64_t count, Millis per) {
    const auto rate = parse_rate(text);
    ASSERT_TRUE(rate) << text;
    EXPECT_EQ(rate->count, count) << text;
    EXPECT_EQ(rate->per, per) << text;
  };
  check("5/s", 5, 1s);
  check("180/min", 180, 1min);
  check("3/h", 3, 1h);
  check("10000/day", 10000, 24h);
}

TEST(RateText, RefusesTheRest) {
  for (const char* text : {"", "5", "/s", "0/s", "-1/s", "5/", "5/sec", "5 / s", "5/2s", "1.5/s", "2000000000/s"})
    EXPECT_FALSE(parse_rate(text)) << text;
}

}  // namespace
}  // namespace chatrelay
