#include "systems/rocketchat/endpoints/dates.hpp"

#include <string>

#include "common/digits.hpp"
#include "common/text.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

constexpr std::size_t date_bytes_max = 64;              // Limit: more is no date
constexpr std::int64_t epoch_ms_max = 253402300799999;  // the end of the year 9999

// Fewer digits are no time that anybody means (12 are 1973 and later): a year is not so many milliseconds.
constexpr std::size_t epoch_digits_min = 12;

std::optional<WallTime> epoch_ms(std::string_view text) {
  if (text.size() < epoch_digits_min) return std::nullopt;
  const auto ms = whole_number<std::int64_t>(text);
  if (!ms || *ms < 0 || *ms > epoch_ms_max) return std::nullopt;
  return from_ms(*ms);
}

}  // namespace

std::optional<WallTime> read_date(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.empty() || text.size() > date_bytes_max) return std::nullopt;
  std::string date(text);
  if (const auto time = parse_rfc3339(date)) return time;
  constexpr std::size_t date_alone = 10;  // "2018-09-21"; "2018-09" and "2018" are their first day
  if (date.size() == date_alone || date.size() == 7 || date.size() == 4)
    if (const auto time = parse_rfc3339(date + std::string("-01-01").substr(date.size() - 4) + "T00:00:00Z"))
      return time;
  constexpr std::size_t offset = 6;  // " 02:00"
  if (date.size() > date_alone + offset && date[date_alone] != ',' && date[date.size() - offset] == ' ') {
    std::string repaired = date;
    repaired[date.size() - offset] = '+';
    if (const auto time = parse_rfc3339(repaired)) return time;
  }
  if (const auto time = epoch_ms(date)) return time;
  return parse_http_date(date);
}

}  // namespace chatrelay::systems::rocketchat::endpoints
