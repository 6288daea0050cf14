// Dates as clients of Rocket.Chat's history write them. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "common/clock.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

// RFC 3339, also in JSON's quotes (a Date that a client turned into JSON), with a '+' that a form made a space, as a
// date alone (midnight UTC), an HTTP-date, or epoch milliseconds in digits. nullopt: none of these.
std::optional<WallTime> read_date(std::string_view text);

}  // namespace chatrelay::systems::rocketchat::endpoints
