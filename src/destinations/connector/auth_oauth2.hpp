// OAuth2: a login with tokens. Knows when its token ends, gets another one, once for all who wait, keeps what has to
// outlive a restart, and carries out the code grant for an operator.
//
// A token request is not cancelled with the delivery that caused it: its answer may hold the only refresh token that is
// still good.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/task_group.hpp"
#include "destinations/connector/auth.hpp"
#include "destinations/connector/auth_kept.hpp"
#include "destinations/connector/auth_token.hpp"

namespace chatrelay::destinations::connector {

class OAuth2 final : public Auth, public std::enable_shared_from_this<OAuth2> {
 public:
  // `spec` for what is evaluated with each token or answer. `kept`: of the grant refresh_token alone.
  OAuth2(std::shared_ptr<const OAuth2Spec> spec, OAuth2Values values, std::shared_ptr<expression::Program> program,
         boost::json::object settings, const Context& context, AuthOptions options, std::optional<KeptTokens> kept);

  boost::asio::awaitable<Result<AuthPart>> prepare() override;
  boost::asio::awaitable<bool> renew(std::string rejected_token_id) override;
  bool mends(const http::ClientResponse& refused) override;
  Result<CodeGrant> begin_grant(std::string redirect_uri) override;
  boost::asio::awaitable<Result<boost::json::object>> finish_grant(std::string state, std::string code) override;

 private:
  // A token that can be used.
  struct Current {
    AuthPart part;
    std::optional<SteadyTime> renew_at, ends_at;
  };
  struct Flight;    // a token request under way, and who waits for it
  struct Landing;   // ends a flight, however it is left
  struct Pending {  // a code grant that an operator has begun
    std::string verifier, redirect_uri;
    SteadyTime until;
  };

  bool fresh(SteadyTime now) const;
  bool usable(SteadyTime now) const;
  bool failed_lately(SteadyTime now) const;
  boost::asio::awaitable<void> await_flight();
  static boost::asio::awaitable<void> fly(std::shared_ptr<OAuth2> self, std::shared_ptr<Flight> flight);
  boost::asio::awaitable<void> obtain();
  boost::asio::awaitable<void> obtain_by_refreshing();
  boost::asio::awaitable<TokenAnswer> ask(NamedValues fields);
  boost::asio::awaitable<void> take(TokenAnswer answer, std::string used_refresh_token);
  boost::asio::awaitable<bool> keep_what_waits();
  bool take_kept(const KeptToken& kept);
  Result<Current> current_of(boost::json::object token, std::optional<Millis> lifetime, SteadyTime asked_at);
  void accept(Current current);
  void fail(Error error, std::optional<Millis> wait = std::nullopt);
  void refuse(const TokenAnswer& answer);
  std::string how_to_authorise() const;
  Result<Pending> take_pending(const std::string& state);

  const std::shared_ptr<const OAuth2Spec> spec_;
  const OAuth2Values values_;
  const std::shared_ptr<expression::Program> program_;
  const boost::json::object settings_;
  const boost::asio::any_io_executor executor_;
  http::Client& http_;
  const Clock& clock_;
  const AuthOptions options_;
  std::optional<KeptTokens> kept_;
  TaskGroup flights_;

  std::optional<Current> current_;
  std::string rejected_id_;           // of the token that was refused last: what is kept may still be that one
  std::optional<KeptToken> unkept_;   // got, not yet committed; not used before
  std::optional<Current> unkept_as_;  // what it becomes then
  SteadyTime asked_at_;               // before the last request was sent: its token's life counts from here
  std::shared_ptr<Flight> flight_;
  std::optional<Error> failure_;
  SteadyTime failure_until_;
  int failures_ = 0;  // in a row
  std::map<std::string, Pending> pending_;
};

}  // namespace chatrelay::destinations::connector
