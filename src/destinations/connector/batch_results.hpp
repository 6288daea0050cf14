// BatchResults: which of the results in a batch's answer belongs to which of its items. Pure.
#pragma once

#include <optional>
#include <vector>

#include <boost/json.hpp>

#include "destinations/connector/connector_file.hpp"

namespace chatrelay::destinations::connector {

// For each item its result; nullptr where the answer says nothing of it: it is missing, or, in order, there are not as
// many results as items. Items with the same key take the results of that key one after the other, and the last of them
// stays with the rest. Lifetime: the pointers are into `results`.
std::vector<const boost::json::value*> results_of(const boost::json::array& items, const boost::json::value& results,
                                                  const std::optional<Batch::Match>& match,
                                                  expression::Program& program);

}  // namespace chatrelay::destinations::connector
