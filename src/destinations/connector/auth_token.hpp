// Token requests and their answers (RFC 6749 §4–§6, RFC 7523), without sending any: pure.
//
// Answers are read as services really give them: an error with status 200, lifetimes as text, no lifetime at all, a new
// refresh token or none, a page of HTML from whatever stands before the server.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "destinations/connector/auth.hpp"
#include "destinations/connector/url.hpp"
#include "http/client.hpp"

namespace chatrelay::destinations::connector {

enum class Grant { refresh_token, client_credentials, jwt_bearer };

// An OAuth2Spec with the settings put in. Holds secrets: never printed.
struct OAuth2Values {
  Grant grant = Grant::refresh_token;
  std::string token_url, authorize_url, scope, client_id, client_secret;
  NamedValues authorize_query, form;
  bool client_by_basic = false;
  std::string refresh_token;
  std::string jwt_issuer, jwt_subject, jwt_audience, jwt_private_key;
  Millis jwt_lifetime{180'000};
  std::optional<Millis> expires_in;
};

// Errors: invalid, with the key of `auth` that does not fit.
Result<OAuth2Values> resolve_oauth2(const OAuth2Spec& spec, const boost::json::object& settings,
                                    expression::Program& program);

// The fields of a request for a token by the grant itself; `refresh_token` is looked at for that grant alone. Errors:
// the key cannot sign.
Result<NamedValues> grant_fields(const OAuth2Values& values, const std::string& refresh_token, WallTime now);
// The fields of a request that gives a code for a token.
NamedValues code_fields(const OAuth2Values& values, const std::string& code, const std::string& redirect_uri,
                        const std::string& verifier);

http::ClientRequest token_request(const OAuth2Values& values, NamedValues fields);

struct TokenAnswer {
  TokenAnswer() {}
  enum class Kind {
    granted,
    refused,  // asking again would not help; an operator must do something
    failed,   // may pass by itself
  };
  Kind kind = Kind::failed;
  boost::json::object token;         // granted: all members, refresh_token too
  std::optional<Millis> expires_in;  // granted: as the answer says
  std::string error;                 // the service's word for it: "invalid_grant"; may be empty
  std::string reason;                // one line; no secret
  std::optional<Millis> wait;        // failed: what Retry-After asked for
};
TokenAnswer read_token_answer(const http::ClientResponse& response, WallTime now);

// Names a token without being one: logs and comparisons may have it.
std::string token_id_of(const std::string& access_token);

// The address that an operator opens. `challenge`: of PKCE, S256. Errors: authorize_url is no URL.
Result<std::string> authorize_address(const OAuth2Values& values, const std::string& redirect_uri,
                                      const std::string& state, const std::string& challenge);
// RFC 7636 §4.2.
std::string pkce_challenge(const std::string& verifier);

}  // namespace chatrelay::destinations::connector
