// Auth: how a connector's requests log in. One contract for all kinds; the engine asks for what to add to a request,
// and says when a token was refused.
//
// Promises: what prepare() gives is complete and may be sent as it is; one token request at a time, however many wait
// for it; a new refresh token is in the store, sealed, before it is used; no secret is in an error. Does not send the
// requests that it is for, and does not decide their outcome.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/secret.hpp"
#include "config/node.hpp"
#include "destinations/destination.hpp"
#include "expression/template.hpp"
#include "http/client.hpp"

namespace chatrelay::destinations::connector {

// What a request gets.
struct AuthPart {
  AuthPart() {}
  std::vector<std::pair<std::string, std::string>> headers, query;
  boost::json::object
      token;             // of oauth2: the members of the token's answer, for `.token` in base_url; no refresh_token
  std::string token_id;  // of oauth2: says which token this is without being one
};

// Thread: delivery, for every member. Owned by shared_ptr: a token request under way keeps its Auth alive.
class Auth {
 public:
  virtual ~Auth() = default;

  // Errors: unavailable: the token server cannot be asked just now (the delivery is tried again); unauthorized: it
  // refused, or nobody has authorised us yet (the destination is disabled; the message says what to do); invalid: what
  // the file or the configuration gives cannot be sent (likewise).
  virtual boost::asio::awaitable<Result<AuthPart>> prepare() = 0;

  // After an answer that refused the token of that id. All who wait share one request. true: prepare() again, which
  // gives another token or says what is in the way (its error). false: it cannot be renewed; the destination is
  // disabled.
  virtual boost::asio::awaitable<bool> renew(std::string rejected_token_id) = 0;

  // Whether renew() is the answer to this one: a 401, or what an outcome rule calls refresh_auth. False for kinds
  // without a token, with `refresh_on_401: false`, and where `never_refresh_when` holds.
  virtual bool mends(const http::ClientResponse& refused) = 0;

  // The code grant. `redirect_uri` as it is registered with the service. Errors: invalid when this login takes none.
  virtual Result<CodeGrant> begin_grant(std::string redirect_uri) = 0;
  // The answer says what may be shown: {scope, expires_in}. Errors: not_found: no such state, or it is too old;
  // unauthorized: the service refused the code; unavailable.
  virtual boost::asio::awaitable<Result<boost::json::object>> finish_grant(std::string state, std::string code) = 0;
};

enum class AuthKind { none, header, basic, query, oauth2 };

// The templates of `auth: {kind: oauth2}`; absent ones are the constant null.
struct OAuth2Spec {
  expression::Template grant, token_url, authorize_url, authorize_query, scope, client_id, client_secret, client_auth,
      refresh_token, form, header;
  expression::Template jwt_issuer, jwt_subject, jwt_audience, jwt_private_key;
  Millis jwt_lifetime{180'000};  // three minutes: what the strictest known service takes
  std::optional<Millis> expires_in;
  bool refresh_on_401 = true;
  std::optional<expression::ExpressionId> never_refresh_when;
};

struct AuthMethod {
  AuthKind kind = AuthKind::none;
  std::optional<expression::ExpressionId> when;
  config::Location where;
  expression::Template name, value;     // header, query
  expression::Template user, password;  // basic
  std::shared_ptr<const OAuth2Spec> oauth2;
};

struct AuthSpec {
  std::vector<AuthMethod> methods;  // the first whose `when` holds; none at all: no login
};

// `auth:` of a connector file. Adds every problem; the expressions go into the file's own builder. An absent node is no
// login.
AuthSpec read_auth(const config::Node& node, expression::Builder& builder, config::Problems& problems);

// What a login needs beside its file, of the destination and the daemon.
struct AuthOptions {
  AuthOptions() {}
  std::string destination;
  Secret store_key;  // seals what is kept
  std::string ca_file;
  bool allow_private = false;
  Millis timeout{30'000};
};

// Errors: invalid, with what of the settings does not fit; also when a token has to be kept and there is no store_key.
// For `check`: touches neither store nor network. `program` is that of the builder which read_auth had.
Result<void> check_auth(const AuthSpec& spec, const boost::json::object& settings, expression::Program& program,
                        const AuthOptions& options);

Result<std::shared_ptr<Auth>> make_auth(const AuthSpec& spec, const boost::json::object& settings,
                                        std::shared_ptr<expression::Program> program, const Context& context,
                                        AuthOptions options);

// For inline tests: what a request gets with this token ({access_token: TOKEN, …}). Pure.
Result<AuthPart> auth_part(const AuthSpec& spec, const boost::json::object& settings, const boost::json::object& token,
                           expression::Program& program);

}  // namespace chatrelay::destinations::connector
