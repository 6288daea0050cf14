// How `rules test` and `connectors test` show what passed and what did not.
#pragma once

#include "admin/cli/shell.hpp"

namespace chatrelay::admin::cli {

// 0: all passed; 1: some failed; 78: something could not be loaded.
int print_report(Shell& shell, const TestReport& report, bool as_json);

}  // namespace chatrelay::admin::cli
