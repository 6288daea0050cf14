// Origins: the websites whose scripts may call, as browsers write them in an Origin header (WHATWG Fetch §3.2).
#pragma once

#include <string>
#include <vector>

#include "config/node.hpp"

namespace chatrelay::config {

// "https://host" and "https://host:port", in lower case; with `star` "*", too. Anything else, also what no browser
// sends although it means the same (a default port, a name that is not ASCII), is a problem of its item, and left out.
std::vector<std::string> read_origins(const Node& node, bool star);

}  // namespace chatrelay::config
