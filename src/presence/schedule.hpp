// Schedule: weekly hours in a time zone, with special days. Says of an instant whether it is open, and when that
// changes.
//
// Pure: the instant is handed in. Rules of summer time are those of the system's tzdata, read once per process by
// Howard Hinnant's date library; they end with the year 2037, which is as far as the library reads them.
// A span begins at the first instant at which the clock on the wall shows its beginning or later, and ends with the
// last at which it shows less than its end: an hour that comes twice is open twice, one that is left out is open never,
// and a span never flickers.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/zone.hpp"

namespace chatrelay::presence {

using std::chrono::minutes;

// From `begin` up to, not including, `end`, in minutes after midnight on the wall. An end past 24:00 is in the next
// day.
struct Span {
  minutes begin{0};
  minutes end{0};
  friend bool operator==(const Span&, const Span&) = default;
};
using Spans = std::vector<Span>;  // empty: closed

// Days that differ from their day of the week. Each stands alone: hours of the day before end at midnight there.
struct SpecialDays {
  std::map<std::chrono::local_days, Spans> dates;        // one day of one year
  std::map<std::chrono::month_day, Spans> every_year;    // a date wins over it
  const Spans* find(std::chrono::local_days day) const;  // nullptr: an ordinary day
};

class Schedule {
 public:
  // `week` starts with Monday. `zone` comes from find_zone.
  Schedule(const date::time_zone& zone, std::array<Spans, 7> week, SpecialDays special);

  bool is_open(WallTime at) const;
  // The first instant after `at` at which is_open differs. nullopt: not within the next 500 days.
  std::optional<WallTime> next_change(WallTime at) const;
  std::string zone_name() const;

 private:
  struct Open {  // from begin up to, not including, end
    WallTime begin, end;
  };
  const Spans& spans_of(std::chrono::local_days day) const;
  std::vector<Open> open_between(std::chrono::local_days first, std::chrono::local_days last) const;

  const date::time_zone* zone_;
  std::array<Spans, 7> week_;
  SpecialDays special_;
};

}  // namespace chatrelay::presence
