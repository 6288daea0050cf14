// The manual page of a connector, for `connectors show`: what its file says, for people.
#pragma once

#include <string>

#include "destinations/connector/connector_file.hpp"

namespace chatrelay::destinations::connector {

// Lines end with a line break; names no secret. Fits 100 columns where the file's own texts do.
std::string manual_page(const ConnectorFile& file);

}  // namespace chatrelay::destinations::connector
