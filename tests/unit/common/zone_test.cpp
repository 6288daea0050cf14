#include "common/zone.hpp"

#include <gtest/gtest.h>

namespace chatrelay {
namespace {

WallTime at(const char* text) {
  return *parse_rfc3339(text);
}
Zone zone(const char* name) {
  const date::time_zone* found = find_zone(name);
  EXPECT_NE(found, nullptr) << name;
  return found ? Zone(*found) : Zone();
}

TEST(Zone, IsUtcUnlessOneIsGiven) {
  EXPECT_EQ(Zone().name(), "UTC");
  EXPECT_EQ(Zone().minute_text(at("2026-11-20T10:00:59.999Z")), "2026-11-20 10:00 UTC");
  EXPECT_EQ(Zone().rfc3339(at("2026-11-20T10:00:30.5Z")), "2026-11-20T10:00:30.500Z");
}

TEST(Zone, ShowsWhatTheClockOnTheWallShows) {
  const Zone vienna = zone("Europe/Vienna");
  EXPECT_EQ(vienna.name(), "Europe/Vienna");
  EXPECT_EQ(vienna.minute_text(at("2026-12-31T23:30:00Z")), "2027-01-01 00:30 CET");
  EXPECT_EQ(vienna.rfc3339(at("2026-12-31T23:30:00Z")), "2027-01-01T00:30:00.000+01:00");
  EXPECT_EQ(vienna.minute_text(at("2026-07-01T10:00:00Z")), "2026-07-01 12:00 CEST");
}

TEST(Zone, TellsTheTwoHalvesOfAnHourThatComesTwiceApart) {
  const Zone vienna = zone("Europe/Vienna");
  EXPECT_EQ(vienna.minute_text(at("2026-10-25T00:30:00Z")), "2026-10-25 02:30 CEST");
  EXPECT_EQ(vienna.minute_text(at("2026-10-25T01:30:00Z")), "2026-10-25 02:30 CET");
  EXPECT_EQ(vienna.rfc3339(at("2026-10-25T00:30:00Z")), "2026-10-25T02:30:00.000+02:00");
}

TEST(Zone, OffsetsThatAreNoWholeHoursOrBehind) {
  EXPECT_EQ(zone("Asia/Kolkata").rfc3339(at("2026-11-20T10:00:00Z")), "2026-11-20T15:30:00.000+05:30");
  EXPECT_EQ(zone("America/St_Johns").rfc3339(at("2026-11-20T10:00:00Z")), "2026-11-20T06:30:00.000-03:30");
  EXPECT_EQ(zone("America/Sao_Paulo").minute_text(at("2026-11-20T10:00:00Z")), "2026-11-20 07:00 UTC-03")
      << "a zone without letters";
}

TEST(Zone, NamesAreLookedUpAndNeverPaths) {
  std::string why;
  for (const char* name : {"", "Europe/Viena", "../../etc/passwd", "/etc/localtime"})
    EXPECT_EQ(find_zone(name, &why), nullptr) << name;
  EXPECT_EQ(nearest_zone("Europe/Viena"), "Europe/Vienna");
}

}  // namespace
}  // namespace chatrelay
