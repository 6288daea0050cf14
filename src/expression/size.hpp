// Size: about how many bytes a JSON value would take when written. For limits, not for buffers.
#pragma once

#include <cstddef>

#include <boost/json.hpp>

namespace chatrelay::expression {

// Stops counting soon after `enough` is passed.
std::size_t size_of(const boost::json::value& value, std::size_t enough);

}  // namespace chatrelay::expression
