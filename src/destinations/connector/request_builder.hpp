// From an action and a payload to a request. Pure: no clock, no I/O; the same input gives the same bytes.
//
// What a rule's templates put in is data here: it cannot add a header, leave its part of the URL, or change the
// framing.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "destinations/connector/connector_file.hpp"
#include "event/delivery.hpp"
#include "expression/expression.hpp"
#include "http/client.hpp"

namespace chatrelay::destinations::connector {

struct RequestInput {
  const ConnectorFile& file;
  const Action& action;
  const boost::json::object& settings;
  const std::string& base_url;
  const Attempt& attempt;  // its `with` is not looked at: see payload
  WallTime now;            // for the signature's timestamp
};

// Errors: invalid, with what is wrong with this event's values: it can never be sent.
// `payload` is the attempt's `with`, by value so that it can be moved: it may be a whole event.
Result<http::ClientRequest> build_request(const RequestInput& input, boost::json::value payload,
                                          expression::Program& program);

}  // namespace chatrelay::destinations::connector
