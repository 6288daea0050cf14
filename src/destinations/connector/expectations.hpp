// What an inline test expects against what came: each difference is a line for people.
#pragma once

#include <string>
#include <vector>

#include "destinations/connector/connector_file.hpp"

namespace chatrelay::destinations::connector {

void compare_request(const boost::json::object& expected, const http::ClientRequest& request,
                     std::vector<std::string>& differences);
void compare_outcome(const InlineTest& test, const Outcome& outcome, std::vector<std::string>& differences);

}  // namespace chatrelay::destinations::connector
