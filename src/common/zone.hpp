// Time zones by their IANA names, from the system's tzdata, which Howard Hinnant's date library reads once per process
// (C++20's own are not in g++ 12). What a clock on the wall shows, for people; instants stay UTC everywhere else.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace date {
class time_zone;
}

namespace chatrelay {

// The zone of an IANA name; nullptr if the system has none of that name. Names are looked up in a list, never used as
// paths. Errors of reading tzdata count as not there; `why` says so.
const date::time_zone* find_zone(const std::string& name, std::string* why = nullptr);
// The known name that is nearest to a wrong one; empty if none is near.
std::string nearest_zone(std::string_view name);

// A zone as a value; UTC, for which no tzdata is needed, unless one is given. Lifetime: zones live as long as the
// process.
class Zone {
 public:
  Zone() = default;
  explicit Zone(const date::time_zone& zone) : zone_(&zone) {}

  std::string name() const;
  // "2026-11-20 11:00 CET": an hour that comes twice has two abbreviations. A zone without letters: "UTC-03".
  std::string minute_text(WallTime at) const;
  // RFC 3339 with the zone's offset: "2026-11-20T11:00:30.000+01:00"; UTC has "Z".
  std::string rfc3339(WallTime at) const;

 private:
  const date::time_zone* zone_ = nullptr;
};

}  // namespace chatrelay
