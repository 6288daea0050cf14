// The members that every event has, to notice typing errors in expressions: a misspelt one is null, and the rule that
// asks for it silently never applies.
#pragma once

#include <string>
#include <vector>

namespace chatrelay::rules {

// What is wrong with a plain path from the event ({"vistor", "email"}); empty if nothing is. What lies below raw,
// activity, links, presence, properties and custom is open, and so are lists.
std::string unknown_member(const std::vector<std::string>& path);

}  // namespace chatrelay::rules
