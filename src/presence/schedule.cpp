#include "presence/schedule.hpp"

#include <algorithm>

#include <date/tz.h>

namespace chatrelay::presence {
namespace {

using std::chrono::days;
using std::chrono::local_days;

// How far next_change looks: past any weekly rhythm and any day that comes every year but the 29th of February.
constexpr days horizon{500};

date::local_seconds wall(local_days day, minutes after_midnight) {
  return date::local_seconds{std::chrono::seconds(day.time_since_epoch()) + after_midnight};
}

WallTime instant(date::local_seconds local, std::chrono::seconds offset) {
  return WallTime{local.time_since_epoch() - offset};
}

WallTime instant(date::sys_seconds at) {
  return WallTime{at.time_since_epoch()};
}

// The first instant at which the wall shows `local` or later.
WallTime first_at(const date::time_zone& zone, date::local_seconds local) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) return instant(info.first.end);
  return instant(local, info.first.offset);
}

// The end of the last instant at which the wall shows less than `local`.
WallTime last_before(const date::time_zone& zone, date::local_seconds local) {
  const date::local_info info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) return instant(info.first.end);
  if (info.result == date::local_info::unique) return instant(local, info.first.offset);
  // The hour that comes twice begins its second time with `local` itself: nothing less is shown from then on.
  const WallTime second = instant(local, info.second.offset);
  return second == instant(info.second.begin) ? instant(local, info.first.offset) : second;
}

local_days day_of(const date::time_zone& zone, WallTime at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const auto local = seconds.time_since_epoch() + zone.get_info(seconds).offset;
  return local_days{std::chrono::floor<days>(local)};
}

}  // namespace

const Spans* SpecialDays::find(local_days day) const {
  if (const auto date = dates.find(day); date != dates.end()) return &date->second;
  const std::chrono::year_month_day calendar(day);
  const auto yearly = every_year.find(calendar.month() / calendar.day());
  return yearly == every_year.end() ? nullptr : &yearly->second;
}

Schedule::Schedule(const date::time_zone& zone, std::array<Spans, 7> week, SpecialDays special)
    : zone_(&zone), week_(std::move(week)), special_(std::move(special)) {}

std::string Schedule::zone_name() const {
  return zone_->name();
}

const Spans& Schedule::spans_of(local_days day) const {
  if (const Spans* special = special_.find(day)) return *special;
  return week_[std::chrono::weekday(day).iso_encoding() - 1];
}

// What opens on the days from `first` to `last`, in order, without overlaps.
std::vector<Schedule::Open> Schedule::open_between(local_days first, local_days last) const {
  std::vector<Open> all;
  for (local_days day = first; day <= last; day += days(1)) {
    const bool cut = special_.find(day + days(1)) != nullptr;
    for (const Span& span : spans_of(day)) {
      const minutes end = cut ? std::min<minutes>(span.end, days(1)) : span.end;
      const Open open{first_at(*zone_, wall(day, span.begin)), last_before(*zone_, wall(day, end))};
      if (open.begin < open.end) all.push_back(open);
    }
  }
  std::sort(all.begin(), all.end(), [](const Open& a, const Open& b) { return a.begin < b.begin; });
  std::vector<Open> merged;
  for (const Open& open : all) {
    if (!merged.empty() && open.begin <= merged.back().end)
      merged.back().end = std::max(merged.back().end, open.end);
    else
      merged.push_back(open);
  }
  return merged;
}

// Two days on each side: a span reaches into the next day, and a clock that is set back over midnight shows a day
// twice.
bool Schedule::is_open(WallTime at) const {
  const local_days today = day_of(*zone_, at);
  for (const Open& open : open_between(today - days(2), today + days(2)))
    if (open.begin <= at && at < open.end) return true;
  return false;
}

std::optional<WallTime> Schedule::next_change(WallTime at) const {
  const local_days today = day_of(*zone_, at);
  for (days ahead{8};; ahead = std::min(ahead * 8, horizon)) {
    // What begins on the days after the last one may go on with what is open here: its edges do not count.
    const WallTime known_until = first_at(*zone_, wall(today + ahead - days(1), minutes(0)));
    for (const Open& open : open_between(today - days(2), today + ahead)) {
      if (open.begin > at && open.begin < known_until) return open.begin;
      if (open.begin <= at && at < open.end && open.end < known_until) return open.end;
    }
    if (ahead == horizon) return std::nullopt;
  }
}

}  // namespace chatrelay::presence
