// The tests inside a connector file: read with the file, run without any network. They are the definition of done for a
// connector: every action, every step and every outcome rule must be met by one.
#pragma once

#include <string>
#include <vector>

#include "destinations/connector/connector_file.hpp"

namespace chatrelay::destinations::connector {

struct InlineTestResult {
  std::string name;
  config::Location where;
  std::vector<std::string> differences;  // empty: passed
};

struct InlineTestReport {
  std::vector<InlineTestResult> tests;
  config::Problems uncovered;  // actions, steps and outcome rules that no test meets
  bool passed() const;
};

InlineTestReport run_inline_tests(const ConnectorFile& file);

// For `check`: runs the tests and adds what failed and what is not covered as problems at its place.
void lint_connector(const ConnectorFile& file, config::Problems& problems);

}  // namespace chatrelay::destinations::connector
