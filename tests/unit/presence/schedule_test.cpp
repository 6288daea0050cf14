#include "presence/schedule.hpp"

#include "presence/schedule_config.hpp"
#include "unit/presence/support.hpp"

namespace chatrelay::presence {
namespace {

using test::at;
using test::schedule_of;

// The changes after `from`, as text, at most `most` of them.
std::vector<std::string> changes(const Schedule& schedule, std::string_view from, std::size_t most) {
  std::vector<std::string> out;
  for (auto next = schedule.next_change(at(from)); next && out.size() < most; next = schedule.next_change(*next))
    out.push_back((schedule.is_open(*next) ? "open " : "shut ") + format_rfc3339(*next).substr(0, 16));
  return out;
}
using List = std::vector<std::string>;

TEST(Schedule, OpensAndClosesToTheMillisecond) {
  const Schedule office = schedule_of("time_zone: Europe/Vienna\nhours: {mon-fri: 09:00-17:00}");
  EXPECT_FALSE(office.is_open(at("2026-11-20T07:59:59.999Z")));
  EXPECT_TRUE(office.is_open(at("2026-11-20T08:00:00Z")));
  EXPECT_TRUE(office.is_open(at("2026-11-20T15:59:59.999Z")));
  EXPECT_FALSE(office.is_open(at("2026-11-20T16:00:00Z")));
  EXPECT_FALSE(office.is_open(at("2026-11-21T10:00:00Z")));  // a Saturday
  EXPECT_EQ(changes(office, "2026-11-20T10:00:00Z", 2), (List{"shut 2026-11-20T16:00", "open 2026-11-23T08:00"}));
  EXPECT_EQ(office.zone_name(), "Europe/Vienna");
}

TEST(Schedule, FollowsSummerTime) {
  const Schedule office = schedule_of("time_zone: Europe/Vienna\nhours: {mon-fri: 09:00-17:00}");
  EXPECT_EQ(changes(office, "2026-03-27T12:00:00Z", 2), (List{"shut 2026-03-27T16:00", "open 2026-03-30T07:00"}));
  EXPECT_EQ(changes(office, "2026-10-23T12:00:00Z", 2), (List{"shut 2026-10-23T15:00", "open 2026-10-26T08:00"}));
}

TEST(Schedule, AnHourThatComesTwiceIsOpenTwiceWithoutAGap) {
  const Schedule early = schedule_of("time_zone: Europe/Vienna\nhours: {sun: 02:30-05:00}");
  EXPECT_EQ(changes(early, "2026-10-24T12:00:00Z", 2), (List{"open 2026-10-25T00:30", "shut 2026-10-25T04:00"}));
  const Schedule late = schedule_of("time_zone: Europe/Vienna\nhours: {sat: 22:00-02:30}");
  EXPECT_EQ(changes(late, "2026-10-24T12:00:00Z", 2), (List{"open 2026-10-24T20:00", "shut 2026-10-25T01:30"}));
  // Nothing before two o'clock is shown again.
  const Schedule until_two = schedule_of("time_zone: Europe/Vienna\nhours: {sat: 22:00-02:00}");
  EXPECT_EQ(changes(until_two, "2026-10-24T12:00:00Z", 2), (List{"open 2026-10-24T20:00", "shut 2026-10-25T00:00"}));
}

TEST(Schedule, AnHourThatIsLeftOutIsNotOpen) {
  const Schedule inside = schedule_of("time_zone: Europe/Vienna\nhours: {sun: 02:15-02:45}");
  EXPECT_EQ(changes(inside, "2026-03-28T12:00:00Z", 1), (List{"open 2026-04-05T00:15"}));
  const Schedule across = schedule_of("time_zone: Europe/Vienna\nhours: {sun: 01:30-02:30}");
  EXPECT_EQ(changes(across, "2026-03-28T12:00:00Z", 2), (List{"open 2026-03-29T00:30", "shut 2026-03-29T01:00"}));
}

TEST(Schedule, GoesOverMidnightAndMeetsTheNextDay) {
  const Schedule night = schedule_of("time_zone: UTC\nhours: {fri: 22:00-06:00, sat: 06:00-08:00}");
  EXPECT_EQ(changes(night, "2026-11-20T00:00:00Z", 2), (List{"open 2026-11-20T22:00", "shut 2026-11-21T08:00"}));
  EXPECT_TRUE(night.is_open(at("2026-11-21T06:00:00Z")));
}

TEST(Schedule, SpecialDaysStandAlone) {
  const Schedule night = schedule_of(
      "time_zone: UTC\nhours: {daily: 22:00-06:00}\n"
      "days: {2026-12-24: closed, 12-31: 20:00-04:00, 2026-12-27..2026-12-28: 10:00-12:00}");
  EXPECT_EQ(changes(night, "2026-12-23T12:00:00Z", 2), (List{"open 2026-12-23T22:00", "shut 2026-12-24T00:00"}));
  EXPECT_EQ(changes(night, "2026-12-24T00:00:00Z", 1), (List{"open 2026-12-25T22:00"}));
  EXPECT_EQ(changes(night, "2026-12-26T12:00:00Z", 6),
            (List{"open 2026-12-26T22:00", "shut 2026-12-27T00:00", "open 2026-12-27T10:00", "shut 2026-12-27T12:00",
                  "open 2026-12-28T10:00", "shut 2026-12-28T12:00"}));
  EXPECT_EQ(changes(night, "2029-12-31T12:00:00Z", 2), (List{"open 2029-12-31T20:00", "shut 2030-01-01T04:00"}));
}

TEST(Schedule, ADateWinsOverADayOfEveryYear) {
  const Schedule office =
      schedule_of("time_zone: UTC\nhours: {daily: closed}\ndays: {12-25: open, 2026-12-25: 10:00-11:00}");
  EXPECT_EQ(changes(office, "2026-12-01T00:00:00Z", 3),
            (List{"open 2026-12-25T10:00", "shut 2026-12-25T11:00", "open 2027-12-25T00:00"}));
}

TEST(Schedule, WhatNeverChangesSaysSo) {
  EXPECT_EQ(schedule_of("time_zone: Europe/Vienna\nhours: {daily: open}").next_change(at("2026-01-01T00:00:00Z")),
            std::nullopt);
  const Schedule never = schedule_of("time_zone: Europe/Vienna\nhours: {daily: closed}\ndays: {2035-01-01: open}");
  EXPECT_EQ(never.next_change(at("2026-01-01T00:00:00Z")), std::nullopt);
  EXPECT_NE(never.next_change(at("2034-01-01T00:00:00Z")), std::nullopt);
}

TEST(Schedule, KnowsTheSystemsZonesByNameOnly) {
  EXPECT_NE(find_zone("Europe/Vienna"), nullptr);
  std::string why;
  for (const char* name : {"Europe/Wien", "", "../../../etc/passwd", "/usr/share/zoneinfo/UTC", "europe/vienna"}) {
    EXPECT_EQ(find_zone(name, &why), nullptr) << name;
    EXPECT_FALSE(why.empty());
  }
  EXPECT_EQ(nearest_zone("Europe/Viena"), "Europe/Vienna");
  EXPECT_EQ(nearest_zone("Middle-earth/Bree and very much else"), "");
}

TEST(ScheduleText, ReadsSpans) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_span("9:00-17:30"), (Span{9h, 17h + 30min}));
  EXPECT_EQ(parse_span("00:00 - 24:00"), (Span{0h, 24h}));
  EXPECT_EQ(parse_span("22:00-06:00"), (Span{22h, 30h}));
  EXPECT_EQ(parse_span("22:00-00:00"), (Span{22h, 24h}));
  for (const char* wrong : {"", "-", "09:00", "09:00-", "09:00-09:00", "24:00-06:00", "09:60-10:00", "25:00-26:00",
                            "24:01-25:00", "09:00-24:30", "9-17", "09:00-17:00-18:00", "+9:00-17:00", "09:0-17:00",
                            "009:00-17:00", "09:00-17:00Z", "-9:00-17:00", "00:00-00:00"})
    EXPECT_EQ(parse_span(wrong), std::nullopt) << wrong;
}

TEST(ScheduleText, ReadsDaysOfTheWeek) {
  using Days = std::vector<unsigned>;
  EXPECT_EQ(parse_weekdays("mon"), (Days{0}));
  EXPECT_EQ(parse_weekdays("mon-fri"), (Days{0, 1, 2, 3, 4}));
  EXPECT_EQ(parse_weekdays("sat-mon"), (Days{5, 6, 0}));
  EXPECT_EQ(parse_weekdays("sun, wed-thu"), (Days{6, 2, 3}));
  EXPECT_EQ(parse_weekdays("daily"), (Days{0, 1, 2, 3, 4, 5, 6}));
  for (const char* wrong : {"", "Mon", "mon,", "mon-", "-", "mon,mon", "mon-fri,wed", "mon-tue-wed", "weekdays"})
    EXPECT_EQ(parse_weekdays(wrong), Days{}) << wrong;
}

}  // namespace
}  // namespace chatrelay::presence
