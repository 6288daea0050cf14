// The event types that are known, to notice typing errors in `on`. Types are open: a system's action that is not listed
// here keeps its own name and may be used in rules all the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chatrelay::rules {

bool is_known_type(std::string_view type);
bool is_own_type(std::string_view type);               // chatrelay's own troubles
std::string_view nearest_type(std::string_view type);  // empty if none is near

}  // namespace chatrelay::rules
