// Offline: what the command line does without a daemon: check, the tests beside rules and inside connectors, restore.
#pragma once

#include "admin/cli/cli.hpp"

namespace chatrelay::app {

// Everything that `chatrelay` needs of this room, serve included.
admin::cli::Hooks command_line_hooks();

}  // namespace chatrelay::app
