// TrackingVisitor: what a request says of the visitor that it speaks of: where it calls from, with what, in which zone.
// Requests come from the site's or the application's own server or program, which names the visitor's address itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "systems/livehelperchat/endpoints/api.hpp"
#include "systems/livehelperchat/endpoints/tracking_vid.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

// With the address and the browser that the request names; its own are those of the program that asks.
conversations::Guest guest_of(const Ask& ask, std::string_view vid);

// "Europe/Vilnius" as it is; "2" or "-3.5", hours east of Greenwich, as "UTC+02:00"; nullopt: neither.
std::optional<std::string> timezone_of(std::string_view tz);

// As Live Helper Chat finds them, with case: they are given no chat and no record.
bool is_crawler(std::string_view user_agent);

// What a client puts in front of its own parameters when it opens the chat: those of the request, and the vid. Of an
// operator's message it sounds.
std::string url_append(const Ask& ask, std::string_view vid, bool sounds);

}  // namespace chatrelay::systems::livehelperchat::endpoints
