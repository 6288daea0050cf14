// Plays one inline test of a batch: builds its request, answers it, and compares what each delivery came to.
#pragma once

#include <string>
#include <vector>

#include "destinations/connector/connector_file.hpp"

namespace chatrelay::destinations::connector {

// What the test met, for the linter.
struct BatchPlayed {
  bool answered = false;
  const OutcomeRule* matched = nullptr;
  bool good_result = false, bad_result = false;  // of those that `partial` looked at
};

// `action` has a batch.
BatchPlayed play_batch(const ConnectorFile& file, const Action& action, const InlineTest& test,
                       expression::Program& program, std::vector<std::string>& differences);

}  // namespace chatrelay::destinations::connector
