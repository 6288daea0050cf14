// Commands of the memory store.
#pragma once

#include "store/memory/tables.hpp"

namespace chatrelay::store::memory {

struct CommandOutcome {
  bool events_added = false, lanes_changed = false;
};
// Runs the body; what it changed is taken back if it throws. Errors: internal.
Result<CommandOutcome> run_command(Tables& tables, const Store::Command& body);

}  // namespace chatrelay::store::memory
