// From a step and what its templates see to a request. Pure: no clock, no I/O; the same input gives the same bytes.
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

// What a template of `base_url` gives, or what a destination gives in its place. Errors: not a URL; the text never
// repeats it. Empty where the file has none.
Result<std::string> render_base_url(const ConnectorFile& file, const std::string& given,
                                    const boost::json::object& settings, const boost::json::object& token,
                                    expression::Program& program);

// What the templates of an action see: {settings, with, delivery, links, steps, piece}. `payload` is the attempt's
// `with`, by value so that it can be moved: it may be a whole event. Errors: invalid, what `with` lacks.
Result<boost::json::object> template_input(const Action& action, const boost::json::object& settings,
                                           const Attempt& attempt, boost::json::value payload);

struct RequestInput {
  const RequestTemplate& request;
  const boost::json::value& seen;  // template_input
  const std::string& base_url;     // rendered
  const AuthPart& auth;
  std::string idempotency_header;  // empty: none
  std::string idempotency_key;     // the same at each attempt, and another one for each request of a delivery
  std::string delivery_id;
  WallTime now;  // for the signature's timestamp
};

// Errors: invalid, with what is wrong with this event's values: it can never be sent.
Result<http::ClientRequest> build_request(const RequestInput& input, expression::Program& program);

}  // namespace chatrelay::destinations::connector
