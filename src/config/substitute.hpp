// ${NAME}, ${NAME:-default}, ${file:PATH} and the literal $${ in the text of a scalar.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/node.hpp"

namespace chatrelay::config {

// Does the text hold a ${…} that will be replaced?
bool has_substitution(std::string_view text);

// `folder` is where relative paths of ${file:…} start. What cannot be replaced is reported and left out. Values that
// look like secrets (everything from a file, and variables named so) are registered with the Redactor.
std::string substitute(std::string_view text, const Environment& environment, const std::string& folder,
                       const std::function<void(std::string message)>& report);

}  // namespace chatrelay::config
