#include "common/units.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

namespace chatrelay {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// "12h" -> 12 and "h". Numbers are whole, not negative, without sign.
std::optional<std::pair<std::uint64_t, std::string_view>> split_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return std::pair{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text.substr(0, 60)) + '"';
}

constexpr std::array<Unit, 5> durations{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::uint64_t duration_max_ms =
    std::uint64_t{100} * 365 * 86'400'000 + std::uint64_t{25} * 86'400'000;  // 100 years

constexpr std::array<Unit, 9> sizes{{{"", 1},
                                     {"B", 1},
                                     {"KiB", 1ull << 10},
                                     {"MiB", 1ull << 20},
                                     {"GiB", 1ull << 30},
                                     {"TiB", 1ull << 40},
                                     {"KB", 1'000},
                                     {"MB", 1'000'000},
                                     {"GB", 1'000'000'000}}};

constexpr std::array<Unit, 5> periods{
    {{"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}, {"day", 86'400'000}, {"d", 86'400'000}}};

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis{0};
  const auto parts = split_number(text);
  if (parts) {
    for (const Unit& unit : durations) {
      if (parts->second != unit.name) continue;
      if (parts->first > duration_max_ms / unit.factor) return invalid(quoted(text) + " is longer than 100 years");
      return Millis{static_cast<Millis::rep>(parts->first * unit.factor)};
    }
  }
  return invalid(quoted(text) + " is not a duration; write a whole number and ms, s, m, h or d, like 30s");
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto parts = split_number(text);
  if (parts) {
    for (const Unit& unit : sizes) {
      if (parts->second != unit.name) continue;
      // Signed 63 bits: sizes are compared and stored as such in places.
      const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      if (parts->first > most / unit.factor) return invalid(quoted(text) + " is too large");
      return parts->first * unit.factor;
    }
  }
  return invalid(quoted(text) + " is not a size; write a whole number and KiB, MiB or GiB, like 64KiB");
}

Result<Rate> parse_rate(std::string_view text) {
  const auto parts = split_number(text);
  if (parts && parts->second.starts_with('/')) {
    for (const Unit& unit : periods) {
      if (parts->second.substr(1) != unit.name) continue;
      // Limit: a billion a period; a rate above is no limit, and keeps products within 63 bits.
      if (parts->first == 0 || parts->first > 1'000'000'000)
        return invalid(quoted(text) + " is out of range; a rate is 1 to 1000000000 a period");
      Rate rate;
      rate.count = static_cast<std::int64_t>(parts->first);
      rate.per = Millis{static_cast<Millis::rep>(unit.factor)};
      return rate;
    }
  }
  return invalid(quoted(text) + " is not a rate; write N/s, N/min, N/h or N/day, like 180/min");
}

std::string format_duration(Millis d) {
  if (d.count() == 0) return "0s";
  for (const Unit& unit : durations) {
    const auto factor = static_cast<Millis::rep>(unit.factor);
    if (d.count() % factor == 0) return std::to_string(d.count() / factor) + std::string(unit.name);
  }
  return std::to_string(d.count()) + "ms";
}

std::string format_size(std::uint64_t bytes) {
  static constexpr std::array<const char*, 7> names{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < names.size()) {
    value /= 1024;
    ++unit;
  }
  char buffer[32];
  const int n = std::snprintf(buffer, sizeof buffer, "%.1f %s", value, names[unit]);
  return {buffer, static_cast<std::size_t>(n)};
}

}  // namespace chatrelay
