#include "destinations/connector/auth_oauth2.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/json.hpp"
#include "common/log.hpp"
#include "common/text.hpp"
#include "destinations/connector/auth_oauth2_flight.hpp"
#include "destinations/connector/auth_render.hpp"

namespace chatrelay::destinations::connector {

namespace asio = boost::asio;

namespace {

constexpr Millis margin_max{60'000};      // a request that is sent now must still be served with the token it has
constexpr Millis first_pause{1'000};      // after a failure the token server is left alone so long, then twice as long
constexpr Millis pause_max{5 * 60'000};   // Limit: and never longer than this, unless it asks for more
constexpr Millis refused_pause{10'000};   // a refusal is asked again when an operator resumes, hardly ever sooner
constexpr int failures_counted_max = 16;  // Limit: of the doubling

// A tenth of a short life: a token of 30 s would never be fresh otherwise.
Millis margin_of(Millis lifetime) {
  return std::min(margin_max, lifetime / 10);
}

}  // namespace

OAuth2::OAuth2(std::shared_ptr<const OAuth2Spec> spec, OAuth2Values values,
               std::shared_ptr<expression::Program> program, json::object settings, const Context& context,
               AuthOptions options, std::optional<KeptTokens> kept)
    : spec_(std::move(spec)),
      values_(std::move(values)),
      program_(std::move(program)),
      settings_(std::move(settings)),
      executor_(context.executor),
      http_(context.http),
      clock_(context.clock),
      options_(std::move(options)),
      kept_(std::move(kept)),
      flights_(context.executor, "token requests of " + options_.destination) {
  register_secret(values_.client_secret);
  register_secret(values_.refresh_token);
  register_secret(values_.jwt_private_key);
}

bool OAuth2::fresh(SteadyTime now) const {
  return current_ && (!current_->renew_at || now < *current_->renew_at);
}
bool OAuth2::usable(SteadyTime now) const {
  return current_ && (!current_->ends_at || now < *current_->ends_at);
}
bool OAuth2::failed_lately(SteadyTime now) const {
  return failure_ && now < failure_until_;
}

asio::awaitable<Result<AuthPart>> OAuth2::prepare() {
  const auto self = shared_from_this();
  if (!fresh(clock_.steady()) && !failed_lately(clock_.steady())) co_await await_flight();
  // A token near its end is still good when its renewal only failed for now.
  if (usable(clock_.steady())) co_return current_->part;
  current_.reset();
  if (failure_) co_return *failure_;
  co_return unavailable("no token could be got");
}

asio::awaitable<bool> OAuth2::renew(std::string rejected_token_id) {
  const auto self = shared_from_this();
  if (!spec_->refresh_on_401) co_return false;
  const bool was_current = current_ && current_->part.token_id == rejected_token_id;
  if (current_ && !was_current) co_return true;  // somebody was faster
  if (was_current) {
    rejected_id_ = rejected_token_id;
    current_.reset();
    failure_.reset();
  }
  if (!failed_lately(clock_.steady())) co_await await_flight();
  if (current_) co_return current_->part.token_id != rejected_token_id;
  // prepare() tells what is in the way: whether it may pass, and what an operator can do about it.
  co_return failure_.has_value();
}

bool OAuth2::mends(const http::ClientResponse& refused) {
  if (!spec_->refresh_on_401) return false;
  if (!spec_->never_refresh_when) return true;
  const auto holds = program_->holds(*spec_->never_refresh_when, answer_as_json(refused));
  return !holds || !*holds;  // an expression that does not fit this answer says nothing about it
}

asio::awaitable<void> OAuth2::await_flight() {
  std::shared_ptr<Flight> flight = flight_;
  if (!flight) {
    flight = flight_ = std::make_shared<Flight>(executor_);
    flights_.spawn(fly(shared_from_this(), flight));  // may be over at once, with a kept token
  }
  constexpr auto token_kind = asio::as_tuple(asio::use_awaitable);
  // A caller that is cancelled leaves by the exception of the next wait; the flight goes on.
  while (!flight->done) co_await flight->over.async_wait(token_kind);
}

asio::awaitable<void> OAuth2::fly(std::shared_ptr<OAuth2> self, std::shared_ptr<Flight> flight) {
  const Landing landing(*self, flight);
  co_await self->obtain();
}

asio::awaitable<void> OAuth2::obtain() {
  if (unkept_) {
    co_await keep_what_waits();
    co_return;
  }
  if (values_.grant == Grant::refresh_token) {
    co_await obtain_by_refreshing();
    co_return;
  }
  Result<NamedValues> fields = grant_fields(values_, {}, clock_.now());
  if (!fields) {
    fail(fields.error());
    co_return;
  }
  TokenAnswer answer = co_await ask(std::move(*fields));
  std::string none;
  co_await take(std::move(answer), std::move(none));
}

// The store is read each time: another Auth of the same destination (before a reload) or `authorize` may have put a
// newer token there.
asio::awaitable<void> OAuth2::obtain_by_refreshing() {
  const auto kept = kept_->recall();
  if (!kept && kept.error().kind == ErrorKind::unavailable) {
    fail(kept.error());
    co_return;
  }
  if (!kept)  // the configured one may still hold, and where it was replaced long ago, this says why it does not
    log::warn("the kept token is not used; is store_key another one?",
              {{"destination", options_.destination}, {"problem", kept.error().message}});
  std::string refresh_token = values_.refresh_token;
  if (kept && *kept) {
    if (take_kept(**kept)) co_return;
    if (!(*kept)->refresh_token.empty()) refresh_token = (*kept)->refresh_token;
  }
  if (refresh_token.empty()) {
    const std::string why = kept ? "there is no refresh token yet" : kept.error().message;
    fail(Error(ErrorKind::unauthorized, why + "; " + how_to_authorise()));
    co_return;
  }
  Result<NamedValues> fields = grant_fields(values_, refresh_token, clock_.now());
  TokenAnswer answer = co_await ask(std::move(*fields));
  if (answer.kind == TokenAnswer::Kind::refused) {
    const auto newer = kept_->recall();
    if (newer && *newer && (*newer)->refresh_token != refresh_token && !(*newer)->refresh_token.empty()) {
      if (take_kept(**newer)) co_return;
      refresh_token = (*newer)->refresh_token;
      Result<NamedValues> again = grant_fields(values_, refresh_token, clock_.now());
      answer = co_await ask(std::move(*again));
    }
  }
  co_await take(std::move(answer), std::move(refresh_token));
}

asio::awaitable<TokenAnswer> OAuth2::ask(NamedValues fields) {
  http::ClientRequest request = token_request(values_, std::move(fields));
  request.timeout = options_.timeout;
  request.allow_private = options_.allow_private;
  request.ca_file = options_.ca_file;
  request.group = options_.destination;
  asked_at_ = clock_.steady();
  const http::ClientResponse response = co_await http_.send(std::move(request));
  co_return read_token_answer(response, clock_.now());
}

asio::awaitable<void> OAuth2::take(TokenAnswer answer, std::string used_refresh_token) {
  if (answer.kind != TokenAnswer::Kind::granted) {
    refuse(answer);
    co_return;
  }
  const std::string new_refresh_token = strict_string_at(answer.token, "refresh_token").value_or("");
  register_secret(new_refresh_token);
  const std::optional<Millis> lifetime = answer.expires_in ? answer.expires_in : values_.expires_in;
  Result<Current> current = current_of(answer.token, lifetime, asked_at_);
  if (kept_) {
    KeptToken kept;
    kept.refresh_token = new_refresh_token.empty() ? used_refresh_token : new_refresh_token;
    kept.token = current ? current->part.token : json::object{};
    if (lifetime) kept.expires_at = clock_.now() + *lifetime;
    unkept_ = std::move(kept);
    unkept_as_ = current ? std::optional<Current>(*current) : std::nullopt;
    const bool committed = co_await keep_what_waits();
    const bool replaces =
        used_refresh_token.empty() || (!new_refresh_token.empty() && new_refresh_token != used_refresh_token);
    if (committed || replaces) co_return;  // a new refresh token is not used before it is kept
    log::warn("a token is not kept: a restart has to ask for another one", {{"destination", options_.destination}});
    unkept_.reset();
    unkept_as_.reset();
  }
  if (current)
    accept(std::move(*current));
  else
    fail(current.error());
}

asio::awaitable<bool> OAuth2::keep_what_waits() {
  KeptToken kept = *unkept_;
  const Result<void> done = co_await kept_->keep(std::move(kept));
  if (!done) {
    fail(unavailable("the new token cannot be kept: " + done.error().message));
    co_return false;
  }
  std::optional<Current> current = std::move(unkept_as_);
  unkept_.reset();
  unkept_as_.reset();
  if (current)
    accept(std::move(*current));
  else
    fail(invalid("the token's answer does not fit `header`"));
  co_return true;
}

// The token itself, if it is still good.
bool OAuth2::take_kept(const KeptToken& kept) {
  register_secret(kept.refresh_token);
  const auto access_token = strict_string_at(kept.token, "access_token");
  if (!access_token || access_token->empty() || token_id_of(*access_token) == rejected_id_) return false;
  std::optional<Millis> left;
  if (kept.expires_at) {
    left = *kept.expires_at - clock_.now();
    if (*left <= margin_max) return false;
  }
  Result<Current> current = current_of(kept.token, left, clock_.steady());
  if (!current) return false;
  accept(std::move(*current));
  return true;
}

Result<OAuth2::Current> OAuth2::current_of(json::object token, std::optional<Millis> lifetime, SteadyTime asked_at) {
  const std::string access_token = strict_string_at(token, "access_token").value_or("");
  register_secret(access_token);
  Result<AuthPart> part = token_part(*spec_, settings_, std::move(token), *program_);
  if (!part) return part.error();
  Current current;
  current.part = std::move(*part);
  if (lifetime) {
    current.ends_at = asked_at + *lifetime;
    current.renew_at = *current.ends_at - margin_of(*lifetime);
  }
  return current;
}

void OAuth2::accept(Current current) {
  if (!rejected_id_.empty() && std::exchange(rejected_id_, {}) == current.part.token_id) {
    fail(Error(ErrorKind::unauthorized, "the token was refused, and the token server gives the same one again"));
    return;
  }
  current_ = std::move(current);
  failure_.reset();
  failures_ = 0;
  log::debug("token got", {{"destination", options_.destination}});
}

void OAuth2::refuse(const TokenAnswer& answer) {
  if (answer.kind == TokenAnswer::Kind::failed) return fail(unavailable(answer.reason), answer.wait);
  std::string what_to_do = "check client_id and client_secret";
  if (answer.error == "invalid_grant" || answer.error == "invalid_code" || answer.error == "invalid_token")
    what_to_do = values_.grant == Grant::refresh_token ? "the refresh token is no longer good: " + how_to_authorise()
                                                       : "check what the token is asked for with";
  fail(Error(ErrorKind::unauthorized, answer.reason + "; " + what_to_do));
}

void OAuth2::fail(Error error, std::optional<Millis> wait) {
  const bool passing = error.kind == ErrorKind::unavailable;
  failures_ = std::min(failures_ + 1, failures_counted_max);
  const Millis doubled = std::min(pause_max, first_pause * (1 << (failures_ - 1)));
  failure_until_ = clock_.steady() + std::max(wait.value_or(Millis{0}), passing ? doubled : refused_pause);
  failure_ = std::move(error);
}

std::string OAuth2::how_to_authorise() const {
  if (values_.authorize_url.empty()) return "configure a new refresh_token";
  return "run `chatrelay destinations authorize " + options_.destination + "`";
}

}  // namespace chatrelay::destinations::connector
