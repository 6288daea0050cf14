// The YAML of schedules: hours of the week, special days, time zones. presence.md describes it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "presence/settings.hpp"

namespace chatrelay::presence {

// Reads `schedules`. `time_zone` is the node of the zone of all schedules that name none.
std::vector<NamedSchedule> read_schedules(const config::Node& schedules, const config::Node& time_zone);

// "09:00-17:00"; an end that is not after its beginning is in the next day; nullopt if it is none. "24:00" is an end.
std::optional<Span> parse_span(std::string_view text);
// "mon", "mon-fri", "sat,sun", "fri-mon", "daily": Monday is 0. Empty if it is none, or names a day twice.
std::vector<unsigned> parse_weekdays(std::string_view text);

}  // namespace chatrelay::presence
