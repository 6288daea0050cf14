// OAuth2's code grant: what `chatrelay destinations authorize` sets in motion. State and PKCE's verifier never leave
// this process; the code comes in once and is used once.
#include <algorithm>

#include <boost/asio/awaitable.hpp>

#include "common/ids.hpp"
#include "common/json.hpp"
#include "destinations/connector/auth_oauth2_flight.hpp"

namespace chatrelay::destinations::connector {

namespace asio = boost::asio;

namespace {

constexpr std::size_t pending_max = 8;                     // Limit: grants begun and not finished
constexpr Millis pending_kept = std::chrono::minutes(15);  // to log in there, perhaps with a second factor
constexpr std::size_t state_length = 32;                   // 190 bits
constexpr std::size_t verifier_length = 64;                // RFC 7636 §4.1: 43 to 128 characters
constexpr std::size_t code_bytes_max = 4096;               // Limit: the longest known code has about 2 KiB
constexpr std::size_t redirect_uri_bytes_max = 2048;

}  // namespace

Result<CodeGrant> OAuth2::begin_grant(std::string redirect_uri) {
  if (values_.grant != Grant::refresh_token || values_.authorize_url.empty())
    return invalid("this destination's login needs no authorization: it gets its tokens by its settings");
  if (redirect_uri.size() > redirect_uri_bytes_max) return invalid("the redirect address is too long");
  if (const Result<void> checked = check_url(redirect_uri); !checked)
    return invalid("the redirect address " + checked.error().message);
  const SteadyTime now = clock_.steady();
  std::erase_if(pending_, [&](const auto& one) { return one.second.until <= now; });
  if (pending_.size() >= pending_max) {
    const auto oldest = std::ranges::min_element(
        pending_, [](const auto& a, const auto& b) { return a.second.until < b.second.until; });
    pending_.erase(oldest);
  }
  CodeGrant grant;
  grant.state = random_id(state_length);
  Pending pending{random_id(verifier_length), std::move(redirect_uri), now + pending_kept};
  Result<std::string> address =
      authorize_address(values_, pending.redirect_uri, grant.state, pkce_challenge(pending.verifier));
  if (!address) return address.error();
  grant.address = std::move(*address);
  pending_.emplace(grant.state, std::move(pending));
  return grant;
}

Result<OAuth2::Pending> OAuth2::take_pending(const std::string& state) {
  const auto found = pending_.find(state);
  if (found == pending_.end() || found->second.until <= clock_.steady())
    return not_found("no authorization was begun with this state, or more than 15 minutes ago: begin again");
  Pending pending = std::move(found->second);
  pending_.erase(found);
  return pending;
}

asio::awaitable<Result<json::object>> OAuth2::finish_grant(std::string state, std::string code) {
  const auto self = shared_from_this();
  if (code.empty() || code.size() > code_bytes_max) co_return invalid("that is not a code");
  const Result<Pending> pending = take_pending(state);
  if (!pending) co_return pending.error();
  // Deliveries that need a token now wait for this one.
  while (flight_) co_await await_flight();
  flight_ = std::make_shared<Flight>(executor_);
  const Landing landing(*this, flight_);
  NamedValues fields = code_fields(values_, code, pending->redirect_uri, pending->verifier);
  TokenAnswer answer = co_await ask(std::move(fields));
  if (answer.kind == TokenAnswer::Kind::failed) co_return unavailable(answer.reason);
  if (answer.kind == TokenAnswer::Kind::refused) co_return Error(ErrorKind::unauthorized, answer.reason);
  if (answer.expires_in && !strict_string_at(answer.token, "refresh_token"))
    co_return Error(ErrorKind::unauthorized,
                    "the service gave a token that ends, and no refresh token: ask for offline access "
                    "(authorize_query or scope), and take back the access that was given to the app before");
  json::object shown{{"scope", or_null(strict_string_at(answer.token, "scope"))},
                     {"expires_in", answer.expires_in ? json::value(answer.expires_in->count() / 1000) : nullptr}};
  current_.reset();
  failure_.reset();
  rejected_id_.clear();
  unkept_.reset();
  unkept_as_.reset();
  std::string replaces_all;
  co_await take(std::move(answer), std::move(replaces_all));
  if (current_) co_return shown;
  if (failure_) co_return *failure_;
  co_return unavailable("the token cannot be used");
}

}  // namespace chatrelay::destinations::connector
