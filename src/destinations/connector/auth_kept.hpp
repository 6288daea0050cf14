// KeptTokens: what a destination's login keeps in the store, sealed: the refresh token that holds now, and the token
// that came with it, so that a restart asks nobody. Remembered as "token:DESTINATION".
//
// Does not ask token servers, and does not decide which token is used.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/seal.hpp"
#include "store/store.hpp"

namespace chatrelay::destinations::connector {

struct KeptToken {
  KeptToken() {}
  std::string refresh_token;           // empty: the service gave none
  boost::json::object token;           // the answer's other members; empty: none
  std::optional<WallTime> expires_at;  // by the wall clock, the only one that goes on over a restart
};

class KeptTokens {
 public:
  // `origin` names what the token was got with (client, server, configured refresh token): what was kept under another
  // one is not looked at, so a token that an operator configures anew counts.
  KeptTokens(store::Store& store, boost::asio::any_io_executor executor, Sealer sealer, const std::string& destination,
             std::string origin);

  // nullopt: nothing is kept. Reads one row. Errors: unavailable (the store), invalid (it cannot be opened).
  Result<std::optional<KeptToken>> recall();
  // Returns when it is committed. Errors: unavailable.
  boost::asio::awaitable<Result<void>> keep(KeptToken token);

 private:
  store::Store& store_;
  boost::asio::any_io_executor executor_;
  Sealer sealer_;
  std::string name_;
  std::string origin_;
};

// The `origin` of a login.
std::string kept_origin(const std::string& token_url, const std::string& client_id, const std::string& refresh_token);

}  // namespace chatrelay::destinations::connector
