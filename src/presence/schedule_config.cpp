#include "presence/schedule_config.hpp"

#include <algorithm>
#include <set>

#include "common/digits.hpp"
#include "common/text.hpp"

namespace chatrelay::presence {
namespace {

using config::Node;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::local_days;

constexpr std::size_t spans_max = 24;            // Limit: spans of one day
constexpr std::size_t special_days_max = 2'000;  // Limit: of one schedule
constexpr int year_min = 1970, year_max = 2037;  // as far as rules of summer time are read

// Exactly so many digits, or fewer down to `least`.
std::optional<unsigned> digits(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() < least || text.size() > most ? std::nullopt : whole_number<unsigned>(text);
}

std::optional<minutes> parse_time(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const auto hour = digits(text.substr(0, colon), 1, 2);
  const auto minute = digits(text.substr(colon + 1), 2, 2);
  if (!hour || !minute || *minute > 59 || *hour > 24 || (*hour == 24 && *minute > 0)) return std::nullopt;
  return hours(*hour) + minutes(*minute);
}

// One value: the word closed or open, or a span.
std::optional<Spans> parse_hours(std::string_view text) {
  if (text == "closed") return Spans{};
  if (text == "open") return Spans{{minutes(0), days(1)}};
  if (const auto span = parse_span(text)) return Spans{*span};
  return std::nullopt;
}

void report_overlaps(const Node& node, const Spans& sorted) {
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].begin < sorted[i - 1].end) return node.problem("has hours that overlap");
}

// The hours of one day: a word, a span, or a list of spans.
Spans read_hours(const Node& node) {
  constexpr std::string_view form = "it must be hours like 09:00-17:00, a list of them, or closed or open (all day)";
  if (!node.present() || (node.is_list() && node.size() == 0)) {
    node.problem("is empty; " + std::string(form));
    return {};
  }
  if (node.is_list() && node.size() > spans_max) {
    node.problem("has more than " + std::to_string(spans_max) + " spans");
    return {};
  }
  Spans spans;
  for (const Node& entry : node.items()) {
    const std::string text = entry.string("closed");
    const auto read = parse_hours(text);
    const bool word = text == "closed" || text == "open";
    if (!read)
      entry.problem("is " + entry.shown() + "; " + std::string(form));
    else if (word && node.is_list())
      entry.problem("is " + entry.shown() + ", which stands alone, not in a list");
    else
      spans.insert(spans.end(), read->begin(), read->end());
  }
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  report_overlaps(node, spans);
  return spans;
}

std::array<Spans, 7> read_week(const Node& node) {
  std::array<Spans, 7> week;
  std::set<unsigned> given;
  if (!node.is_map()) {
    node.problem("must say the hours of the week, like {mon-fri: 09:00-17:00}");
    return week;
  }
  for (const std::string& key : node.keys()) {
    const Node entry = node[key];
    const auto weekdays = parse_weekdays(key);
    if (weekdays.empty())
      entry.problem("is not a day: mon tue wed thu fri sat sun, a range like mon-fri, several with commas, or daily");
    const Spans spans = read_hours(entry);
    for (const unsigned day : weekdays) {
      if (!given.insert(day).second) {
        entry.problem("names a day of the week that has its hours already");
        break;
      }
      week[day] = spans;
    }
  }
  return week;
}

std::optional<std::chrono::month_day> parse_month_day(std::string_view text) {
  if (text.size() != 5 || text[2] != '-') return std::nullopt;
  const auto month = digits(text.substr(0, 2), 2, 2);
  const auto day = digits(text.substr(3), 2, 2);
  if (!month || !day) return std::nullopt;
  const std::chrono::month_day out{std::chrono::month(*month), std::chrono::day(*day)};
  return out.ok() ? std::optional(out) : std::nullopt;
}

std::optional<local_days> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4), 4, 4);
  const auto month_day = parse_month_day(text.substr(5));
  if (!year || !month_day || *year < year_min || *year > year_max) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), month_day->month(),
                                         month_day->day()};
  return date.ok() ? std::optional(local_days(date)) : std::nullopt;
}

struct Dates {
  local_days first, last;
};

// A day or "FIRST..LAST".
std::optional<Dates> parse_dates(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto first = parse_date(text.substr(0, dots));
  const auto last = dots == text.npos ? first : parse_date(text.substr(dots + 2));
  if (!first || !last || *last < *first) return std::nullopt;
  return Dates{*first, *last};
}

SpecialDays read_special_days(const Node& node) {
  SpecialDays special;
  if (node.present() && !node.is_map()) node.problem("must be a map of days, like {2026-12-24: closed}");
  for (const std::string& key : node.keys()) {
    const Node entry = node[key];
    const Spans spans = read_hours(entry);
    bool fresh = true;
    if (const auto yearly = parse_month_day(key)) {
      fresh = special.every_year.emplace(*yearly, spans).second;
    } else if (const auto dates = parse_dates(key)) {
      if (static_cast<std::size_t>((dates->last - dates->first).count()) + special.dates.size() >= special_days_max) {
        entry.problem("makes more than " + std::to_string(special_days_max) + " days");
        return special;
      }
      for (local_days day = dates->first; day <= dates->last; day += days(1))
        fresh = special.dates.emplace(day, spans).second && fresh;
    } else {
      entry.problem("is not a day: 2026-12-24 (years 1970 to 2037), 2026-12-24..2027-01-06, or 12-25 for every year");
    }
    if (!fresh) entry.problem("names a day that has its hours already");
  }
  return special;
}

// nullptr: reported.
const date::time_zone* read_zone(const Node& own, const Node& of_all) {
  const Node& node = own.present() || !of_all.present() ? own : of_all;
  const std::string name = node.string();
  if (name.empty()) {
    node.problem("is missing: the name of a time zone, like Europe/Vienna");
    return nullptr;
  }
  std::string why;
  const date::time_zone* zone = find_zone(name, &why);
  if (zone) return zone;
  const std::string near = nearest_zone(name);
  node.problem("is " + node.shown() + ", which the system's tzdata does not have" +
               (near.empty() ? " (" + printable(why, 200) + ")" : "; did you mean \"" + near + "\"?"));
  return nullptr;
}

}  // namespace

std::optional<Span> parse_span(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto begin = parse_time(trim(text.substr(0, dash)));
  auto end = parse_time(trim(text.substr(dash + 1)));
  if (!begin || !end || *begin == *end || *begin == days(1)) return std::nullopt;
  if (*end < *begin) *end += days(1);
  return Span{*begin, *end};
}

std::vector<unsigned> parse_weekdays(std::string_view text) {
  constexpr std::array<std::string_view, 7> names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  const auto number_of = [&](std::string_view name) {
    return static_cast<unsigned>(std::find(names.begin(), names.end(), trim(name)) - names.begin());
  };
  if (text == "daily") return {0, 1, 2, 3, 4, 5, 6};
  std::vector<unsigned> out;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    more = comma != text.npos;
    if (more) text.remove_prefix(comma + 1);
    const std::size_t dash = part.find('-');
    const unsigned first = number_of(part.substr(0, dash));
    const unsigned last = dash == part.npos ? first : number_of(part.substr(dash + 1));
    if (first == names.size() || last == names.size()) return {};
    for (unsigned day = first;; day = (day + 1) % 7) {
      if (std::find(out.begin(), out.end(), day) != out.end()) return {};
      out.push_back(day);
      if (day == last) break;
    }
  }
  return out;
}

std::vector<NamedSchedule> read_schedules(const Node& schedules, const Node& time_zone) {
  std::vector<NamedSchedule> out;
  if (schedules.present() && !schedules.is_map()) schedules.problem("must be a map: a name for each schedule");
  if (schedules.size() > schedules_max) {
    schedules.problem("has more than " + std::to_string(schedules_max) + " schedules");
    return out;
  }
  if (time_zone.present()) read_zone(time_zone, time_zone);  // also when every schedule has its own
  for (const std::string& name : schedules.keys()) {
    const Node node = schedules[name];
    node.only({"time_zone", "hours", "days"});
    const date::time_zone* zone = read_zone(node["time_zone"], time_zone);
    auto week = read_week(node["hours"]);
    auto special = read_special_days(node["days"]);
    // A stand-in keeps the name known, so that no schedule is reported as missing besides.
    if (!zone) zone = find_zone("UTC");
    if (zone) out.push_back({name, Schedule(*zone, std::move(week), std::move(special))});
  }
  return out;
}

}  // namespace chatrelay::presence
