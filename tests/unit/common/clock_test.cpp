#include "common/clock.hpp"

#include <gtest/gtest.h>

namespace chatrelay {
namespace {

using std::chrono::hours;
using std::chrono::sys_days;
using namespace std::chrono_literals;

const WallTime example = sys_days(2026y / 11 / 20) + 10h + 5min + 7s + Millis(42);

TEST(Rfc3339, WritesMillisecondsInUtc) {
  EXPECT_EQ(format_rfc3339(example), "2026-11-20T10:05:07.042Z");
  EXPECT_EQ(format_rfc3339(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(WallTime{Millis{-1}}), "1969-12-31T23:59:59.999Z");
}

TEST(Rfc3339, ReadsWhatItWrites) {
  for (const long long ms : {0ll, 1ll, 999ll, 1'763'632'800'000ll, 4'102'444'799'999ll, -86'400'000ll})
    EXPECT_EQ(parse_rfc3339(format_rfc3339(from_ms(ms))), from_ms(ms)) << ms;
}

TEST(Rfc3339, TakesTheFormsThatSystemsSend) {
  EXPECT_EQ(parse_rfc3339("2026-11-20T10:05:07.042Z"), example);
  EXPECT_EQ(parse_rfc3339("2026-11-20t10:05:07.042z"), example);
  EXPECT_EQ(parse_rfc3339("2026-11-20 10:05:07.042Z"), example);
  EXPECT_EQ(parse_rfc3339("2026-11-20T10:05:07.042999999999Z"), example);  // LiveChat sends microseconds
  EXPECT_EQ(parse_rfc3339("2026-11-20T11:05:07.042+01:00"), example);
  EXPECT_EQ(parse_rfc3339("2026-11-20T04:35:07.042-05:30"), example);
  EXPECT_EQ(parse_rfc3339("2026-11-20T10:05:07Z"), example - Millis(42));
  EXPECT_EQ(parse_rfc3339("2026-11-20T10:05:07.5Z"), example - Millis(42) + Millis(500));
  EXPECT_EQ(parse_rfc3339("2026-11-20T10:05:07-00:00"), example - Millis(42));
  EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z"), WallTime(sys_days(2024y / 2 / 29)));
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), WallTime(sys_days(2017y / 1 / 1)));  // a leap second
}

TEST(Rfc3339, RefusesWhatIsNotATime) {
  for (const char* text : {"",
                           "2026",
                           "2026-11-20",
                           "2026-11-20T10:05:07",
                           "2026-11-20T10:05:07.Z",
                           "2026-11-20T10:05Z",
                           "2026-13-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-00-10T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:61Z",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+01:60",
                           "2026-01-01T00:00:00+0100",
                           "2026-01-01T00:00:00Zx",
                           " 2026-01-01T00:00:00Z",
                           "2026-1-1T00:00:00Z",
                           "+026-01-01T00:00:00Z",
                           "2026-01-01X00:00:00Z",
                           "20260101T000000Z",
                           "2026-01-01T00:00:00.1+",
                           "-2026-01-01T00:00:00Z",
                           "2026-01-01T-1:00:00Z"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

TEST(Rfc5322, IsWhatAMailHeaderWants) {
  EXPECT_EQ(format_rfc5322(sys_days(2026y / 11 / 20) + 10h), "Fri, 20 Nov 2026 10:00:00 +0000");
  EXPECT_EQ(format_rfc5322(sys_days(2026y / 3 / 1) + 9h + 8min + 7s), "Sun, 01 Mar 2026 09:08:07 +0000");
}

TEST(HttpDate, TakesAllThreeForms) {
  const WallTime expected = sys_days(1994y / 11 / 6) + 8h + 49min + 37s;
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov 16 08:49:37 1994"), expected + hours(240));
  EXPECT_EQ(parse_http_date("Friday, 20-Nov-26 10:00:00 GMT"), WallTime(sys_days(2026y / 11 / 20) + 10h));
}

TEST(HttpDate, RefusesTheRest) {
  for (const char* text :
       {"", "120", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT "})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(example);
  const SteadyTime before = clock.steady();
  clock.advance(5s);
  EXPECT_EQ(clock.now(), example + 5s);
  EXPECT_EQ(clock.steady() - before, 5s);
  clock.jump_wall(-1h);
  EXPECT_EQ(clock.now(), example + 5s - 1h);
  EXPECT_EQ(clock.steady() - before, 5s);
}

TEST(SystemClock, AgreesWithTheMachine) {
  const SystemClock clock;
  const auto difference = std::chrono::system_clock::now() - clock.now();
  EXPECT_LT(std::chrono::abs(difference), 1min);
  const SteadyTime first = clock.steady();
  EXPECT_LE(first, std::chrono::steady_clock::now());
}

}  // namespace
}  // namespace chatrelay
