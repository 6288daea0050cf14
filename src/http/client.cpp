#include "http/client.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/admission.hpp"
#include "http/http_transfer.hpp"
#include "http/mail_pool.hpp"
#include "http/multi.hpp"
#include "http/resolver.hpp"

namespace chatrelay::http {

namespace asio = boost::asio;

struct Client::State {
  State(asio::any_io_executor e, Options o)
      : executor(std::move(e)),
        options(std::move(o)),
        slots(executor, options.connections_max),
        mail_slots(executor, options.mail_threads_max),
        resolver(executor, options.resolver_threads_max, options.resolve),
        multi(std::make_shared<Multi>(executor, options.connections_max)),
        mails(executor, options.mail_threads_max) {
    multi->open();
  }
  void close() {
    slots.close();
    mail_slots.close();
    resolver.close();
    multi->close();
    mails.close();
  }

  asio::any_io_executor executor;
  Options options;
  Admission slots;
  Admission mail_slots;
  Resolver resolver;
  std::shared_ptr<Multi> multi;
  MailPool mails;
};

namespace {

constexpr const char* refused_text = "the address is private and allow_private is not set";

// Where a transfer may go, or why nowhere.
struct Route {
  Route() {}
  std::vector<std::string> addresses;
  std::string error;
  bool refused = false;
  bool timed_out = false;
};

asio::awaitable<Route> find_route(Resolver& resolver, const Target& target, bool allow_private, SteadyTime deadline) {
  Route route;
  std::vector<std::string> found;
  if (target.literal) {
    found.push_back(target.literal->to_string());
  } else {
    const auto result = co_await resolver.resolve(target.host, deadline);
    if (!result) {
      route.timed_out = std::chrono::steady_clock::now() >= deadline;
      route.error = route.timed_out ? "the name was not resolved in time" : "cancelled";
      co_return route;
    }
    route.error = result->error;
    found = result->addresses;
    if (!route.error.empty()) co_return route;
  }
  auto allowed = allowed_addresses(found, allow_private);
  route.refused = allowed.refused;
  route.addresses = std::move(allowed.addresses);
  if (route.refused) route.error = refused_text;
  if (!route.refused && route.addresses.empty()) route.error = "the name has no address that can be used";
  co_return route;
}

Millis time_left(SteadyTime deadline) {
  return std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
}

}  // namespace

Client::Client(asio::any_io_executor executor, Options options) {
  init_curl();
  state_ = std::make_shared<State>(std::move(executor), std::move(options));
}

Client::~Client() {
  state_->close();
}

asio::awaitable<ClientResponse> Client::send(ClientRequest request) {
  const auto state = state_;
  const auto deadline = std::chrono::steady_clock::now() + request.timeout;
  ClientResponse failed;
  failed.error = problem_of(request);
  if (!failed.error.empty()) co_return failed;
  auto target = parse_target(request.url, {"http", "https"});
  if (target.has_error()) {
    failed.error = target.error().message;
    co_return failed;
  }

  // The name first: a name server that hangs then holds no slot.
  const auto route = co_await find_route(state->resolver, *target, request.allow_private, deadline);
  failed.error = route.error;
  failed.timed_out = route.timed_out;
  failed.refused_address = route.refused;
  if (!failed.error.empty()) co_return failed;

  const std::string group = request.group.empty() ? target->group() : request.group;
  const auto slot = co_await state->slots.enter(group, deadline);
  const auto left = time_left(deadline);
  if (!slot || left <= Millis::zero()) {
    failed.timed_out = left <= Millis::zero();
    failed.error = failed.timed_out ? "no connection was free in time" : "cancelled";
    co_return failed;
  }

  asio::steady_timer finished(state->executor, SteadyTime::max());
  auto resolve = resolve_list(*target, route.addresses);
  HttpTransfer transfer(state->multi, request, std::move(*target), std::move(resolve), left, state->options.user_agent,
                        finished);
  boost::system::error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  transfer.start();
  if (!transfer.done()) co_await finished.async_wait(token);
  if (!transfer.done()) transfer.cancel();
  co_return transfer.take_response();
}

asio::awaitable<MailResponse> Client::send_mail(MailRequest request) {
  const auto state = state_;
  const auto deadline = std::chrono::steady_clock::now() + request.timeout;
  MailResponse failed;
  failed.curl_code = CURLE_BAD_FUNCTION_ARGUMENT;
  failed.error = problem_of(request);
  if (!failed.error.empty()) co_return failed;
  auto target = parse_target(request.url, {"smtp", "smtps"});
  if (target.has_error()) {
    failed.curl_code = CURLE_URL_MALFORMAT;
    failed.error = target.error().message;
    co_return failed;
  }

  const auto route = co_await find_route(state->resolver, *target, request.allow_private, deadline);
  failed.error = route.error;
  failed.timed_out = route.timed_out;
  failed.refused_address = route.refused;
  if (!failed.error.empty()) {
    failed.curl_code = route.refused     ? CURLE_COULDNT_CONNECT
                       : route.timed_out ? CURLE_OPERATION_TIMEDOUT
                                         : CURLE_COULDNT_RESOLVE_HOST;
    co_return failed;
  }

  const std::string group = target->group();
  const auto slot = co_await state->mail_slots.enter(group, deadline);
  const auto left = time_left(deadline);
  if (!slot || left <= Millis::zero()) {
    failed.timed_out = left <= Millis::zero();
    failed.curl_code = failed.timed_out ? CURLE_OPERATION_TIMEDOUT : CURLE_ABORTED_BY_CALLBACK;
    failed.error = failed.timed_out ? "no thread was free in time" : "cancelled";
    co_return failed;
  }
  auto addresses = route.addresses;
  co_return co_await state->mails.send(request, std::move(*target), std::move(addresses), left);
}

}  // namespace chatrelay::http
