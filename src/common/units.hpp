// Durations, sizes and rates as people write them in YAML.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace chatrelay {

// "5/s", "180/min", "10000/day": count events per period.
struct Rate {
  std::int64_t count = 0;
  Millis per{1000};
};

Result<Millis> parse_duration(
    std::string_view text);  // 50ms 30s 5m 12h 3d; "0" is allowed; whole numbers, maximum 100 years
Result<std::uint64_t> parse_size(std::string_view text);  // 512 64KiB 1MiB 2GiB, also KB MB GB (1000s); bytes
Result<Rate> parse_rate(std::string_view text);           // N/s N/min N/h N/day
std::string format_duration(Millis d);                    // the shortest exact form: "90s", "5m", "1500ms"
std::string format_size(std::uint64_t bytes);             // "1.5 MiB", for people

}  // namespace chatrelay
