#include "common/clock.hpp"

#include <array>
#include <cstdio>

namespace chatrelay {
namespace {

constexpr std::array<const char*, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_day_names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                         "Thursday", "Friday", "Saturday"};
constexpr std::array<const char*, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, milli = 0, weekday = 0;
};

Fields split(WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<Millis> time(t - day);
  Fields f;
  f.year = static_cast<int>(date.year());
  f.month = static_cast<int>(static_cast<unsigned>(date.month()));
  f.day = static_cast<int>(static_cast<unsigned>(date.day()));
  f.hour = static_cast<int>(time.hours().count());
  f.minute = static_cast<int>(time.minutes().count());
  f.second = static_cast<int>(time.seconds().count());
  f.milli = static_cast<int>(time.subseconds().count());
  f.weekday = static_cast<int>(std::chrono::weekday(day).c_encoding());
  return f;
}

// nullopt when a field is out of its range. A leap second counts as the first of the next minute.
std::optional<WallTime> join(const Fields& f) {
  const std::chrono::year_month_day date{std::chrono::year{f.year}, std::chrono::month{static_cast<unsigned>(f.month)},
                                         std::chrono::day{static_cast<unsigned>(f.day)}};
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(f.hour) + std::chrono::minutes(f.minute) +
         std::chrono::seconds(f.second) + Millis(f.milli);
}

// Reads what stands at the front and takes it away; after a failure every further step fails too.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  int digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count) return fail();
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_digit(rest_[i])) return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  char one_of(std::string_view choices) {
    if (rest_.empty() || choices.find(rest_.front()) == choices.npos) return static_cast<char>(fail());
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  void literal(std::string_view text) {
    if (!rest_.starts_with(text)) return void(fail());
    rest_.remove_prefix(text.size());
  }
  template <class Names>
  int name(const Names& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string_view candidate(names[i]);
      if (!rest_.starts_with(candidate)) continue;
      rest_.remove_prefix(candidate.size());
      return static_cast<int>(i);
    }
    return fail();
  }
  // The fraction's first three digits, as milliseconds; the rest is read and dropped.
  int fraction() {
    int milli = 0;
    int count = 0;
    for (; is_digit(peek()); ++count, rest_.remove_prefix(1))
      if (count < 3) milli = milli * 10 + (peek() - '0');
    if (count == 0) return fail();
    for (; count < 3; ++count) milli *= 10;
    return milli;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  int fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

void read_time_of_day(Reader& in, Fields& f) {
  f.hour = in.digits(2);
  in.literal(":");
  f.minute = in.digits(2);
  in.literal(":");
  f.second = in.digits(2);
}

std::optional<WallTime> finish(const Reader& in, const Fields& f) {
  return in.at_end() ? join(f) : std::nullopt;
}

std::optional<WallTime> parse_imf_fixdate(std::string_view text) {
  Reader in(text);
  Fields f;
  in.name(day_names);
  in.literal(", ");
  f.day = in.digits(2);
  in.literal(" ");
  f.month = in.name(month_names) + 1;
  in.literal(" ");
  f.year = in.digits(4);
  in.literal(" ");
  read_time_of_day(in, f);
  in.literal(" GMT");
  return finish(in, f);
}

std::optional<WallTime> parse_rfc850(std::string_view text) {
  Reader in(text);
  Fields f;
  in.name(long_day_names);
  in.literal(", ");
  f.day = in.digits(2);
  in.literal("-");
  f.month = in.name(month_names) + 1;
  in.literal("-");
  const int year = in.digits(2);
  // RFC 9110 asks for "not more than 50 years ahead"; without a clock here, the Unix epoch is the turn of the century.
  f.year = year + (year < 70 ? 2000 : 1900);
  in.literal(" ");
  read_time_of_day(in, f);
  in.literal(" GMT");
  return finish(in, f);
}

std::optional<WallTime> parse_asctime(std::string_view text) {
  Reader in(text);
  Fields f;
  in.name(day_names);
  in.literal(" ");
  f.month = in.name(month_names) + 1;
  in.literal(" ");
  if (in.peek() == ' ') {
    in.literal(" ");
    f.day = in.digits(1);
  } else {
    f.day = in.digits(2);
  }
  in.literal(" ");
  read_time_of_day(in, f);
  in.literal(" ");
  f.year = in.digits(4);
  return finish(in, f);
}

}  // namespace

WallTime SystemClock::now() const {
  return std::chrono::floor<Millis>(std::chrono::system_clock::now());
}
SteadyTime SystemClock::steady() const {
  return std::chrono::steady_clock::now();
}

std::string format_rfc3339(WallTime t) {
  const Fields f = split(t);
  char buffer[64];
  const int n = std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", f.year, f.month, f.day,
                              f.hour, f.minute, f.second, f.milli);
  return {buffer, static_cast<std::size_t>(n)};
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Reader in(text);
  Fields f;
  f.year = in.digits(4);
  in.literal("-");
  f.month = in.digits(2);
  in.literal("-");
  f.day = in.digits(2);
  in.one_of("Tt ");
  read_time_of_day(in, f);
  if (in.peek() == '.') {
    in.literal(".");
    f.milli = in.fraction();
  }
  Millis offset{0};
  const char zone = in.one_of("Zz+-");
  if (zone == '+' || zone == '-') {
    const int hours = in.digits(2);
    in.literal(":");
    const int minutes = in.digits(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (zone == '-') offset = -offset;
  }
  const auto local = finish(in, f);
  if (!local) return std::nullopt;
  return *local - offset;
}

std::string format_rfc5322(WallTime t) {
  const Fields f = split(t);
  char buffer[80];
  const int n = std::snprintf(buffer, sizeof buffer, "%s, %02d %s %04d %02d:%02d:%02d +0000",
                              day_names[static_cast<std::size_t>(f.weekday)], f.day,
                              month_names[static_cast<std::size_t>(f.month - 1)], f.year, f.hour, f.minute, f.second);
  return {buffer, static_cast<std::size_t>(n)};
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (const auto t = parse_imf_fixdate(text)) return t;
  if (const auto t = parse_rfc850(text)) return t;
  return parse_asctime(text);
}

}  // namespace chatrelay
