// The verb `destinations authorize`, for `destinations`, of which it is a part.
#pragma once

#include "admin/cli/shell.hpp"

namespace chatrelay::admin::cli {

void add_authorize(CLI::App& destinations, Shell& shell);

}  // namespace chatrelay::admin::cli
