// What the kinds of login share: templates to headers and parameters, and what tokens and secrets become known to the
// Redactor.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "destinations/connector/auth.hpp"

namespace chatrelay::destinations::connector {

// The method that the settings choose; nullptr: no login. Errors: invalid; none of the list fits.
Result<const AuthMethod*> chosen_method(const AuthSpec& spec, const boost::json::object& settings,
                                        expression::Program& program);
// Of header, basic and query. Errors: invalid.
Result<AuthPart> fixed_part(const AuthMethod& method, const boost::json::object& settings,
                            expression::Program& program);
// Of oauth2 with the members of a token's answer. Errors: invalid.
Result<AuthPart> token_part(const OAuth2Spec& spec, const boost::json::object& settings, boost::json::object token,
                            expression::Program& program);
// {status, headers (names in lower case), body (null where it is not JSON)}.
boost::json::value answer_as_json(const http::ClientResponse& response);

// Limit: the Redactor forgets nothing, so of the tokens that come and go only the first 4,096 of the process are known
// to it; nothing here writes any of them anywhere.
void register_secret(const std::string& secret);

}  // namespace chatrelay::destinations::connector
