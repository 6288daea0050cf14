// Test runner: the tests that lie beside the rules. Events go the way they go in the daemon (decoded, folded, decided),
// and what would be delivered is compared with what the test expects. Nothing is delivered.
//
// The tests of x_test.yaml see the rules of x.yaml beside it alone, so that another rule file cannot break them;
// without such a file they see the whole set. `tables:` beside `tests:` stand in for the configuration's of the same
// names. Deliveries of all events of a test are compared, in order, `with` exactly.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.hpp"
#include "event/event.hpp"
#include "rules/catalog.hpp"

namespace chatrelay::rules {

// Decodes a raw webhook as the daemon would for that source. Errors: there is no such source.
using Decode = std::function<Result<std::vector<Event>>(const std::string& source, std::string_view body)>;

struct TestResult {
  std::string name;
  config::Location where;
  bool passed = false;
  bool skipped = false;  // passed, because its if_destination names a destination that is not configured
  std::string details;   // what was expected and what came; lines, no final line break; empty if passed
};

struct TestReport {
  std::vector<TestResult> tests;
  std::size_t failed() const;
};

// `paths`: folders, test files, or rule files (whose tests are run). `rules`: the configured rule paths, for tests that
// stand alone. A file that cannot be read as tests, and rules that do not load, are problems.
TestReport run_tests(const std::vector<std::string>& paths, const std::vector<std::string>& rules,
                     const Catalog& catalog, const boost::json::object& tables, const Decode& decode,
                     config::Problems& problems, const config::Environment& environment);

}  // namespace chatrelay::rules
