// A whole file as text, with a limit and with an error that an operator understands.
#pragma once

#include <cstddef>
#include <string>

#include "common/error.hpp"

namespace chatrelay::config {

Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace chatrelay::config
