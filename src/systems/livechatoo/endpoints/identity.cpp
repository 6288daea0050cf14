#include "systems/livechatoo/endpoints/identity.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/assert.hpp"
#include "common/json.hpp"
#include "common/log.hpp"
#include "http/address.hpp"
#include "systems/livechatoo/endpoints/identity_lookup.hpp"
#include "systems/livechatoo/endpoints/identity_request.hpp"
#include "systems/livechatoo/endpoints/identity_token.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

namespace asio = boost::asio;

namespace {

constexpr std::size_t body_bytes_max = 16 << 10;
constexpr std::size_t value_bytes_max = 4096;
constexpr std::size_t under_way_max = 16;
constexpr Millis quiet{60'000};  // between two lines about a website that does not answer

http::Client::Options client_options() {
  http::Client::Options options;
  options.connections_max = 8;
  options.resolver_threads_max = 2;
  options.mail_threads_max = 1;
  return options;
}

std::string_view name_of(Verdict verdict) {
  if (verdict == Verdict::verified) return "verified";
  return verdict == Verdict::unknown ? "unknown" : "unavailable";
}

http::Response too_many(Millis wait) {
  http::Response response(429, "Too many attempts. Try again later.\n");
  const auto seconds = std::max<Millis::rep>(1, (wait.count() + 999) / 1000);
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Told of(Verdict verdict) {
  Told told;
  told.verdict = verdict;
  return told;
}

// One of the calls that wait for the website, for as long as it lives.
class UnderWay {
 public:
  explicit UnderWay(std::size_t& count) : count_(count) { ++count_; }
  ~UnderWay() { --count_; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace

Identity::Identity(std::string source, IdentityConfig config, const EndpointContext& context)
    : source_(std::move(source)),
      config_(std::move(config)),
      executor_(context.executor),
      clock_(context.clock),
      metrics_(context.metrics),
      limiter_(10'000),
      cache_(config_.cache) {
  config::Problems problems;
  program_ = compile_answer(config_, {}, answer_, problems);
  CHATRELAY_ASSERT(program_ != nullptr, "identity.answer was checked before");
  if (config_.lookup) client_ = std::make_unique<http::Client>(executor_, client_options());
}

asio::awaitable<http::Response> Identity::handle(http::Request& request) {
  const SteadyTime begin = std::chrono::steady_clock::now();
  if (request.message.body().size() > body_bytes_max) co_return http::Response(413, "the body is too large\n");
  const std::string address = http::counted_address(request.remote);
  const auto admitted = limiter_.take(address, config_.limit, clock_.now());
  if (!admitted.allowed) co_return too_many(admitted.retry_after);
  const IdentityCall call{request.method(), request.query(), request.header("Content-Type"), request.message.body()};
  Asked asked = read_asked(call, config_.parameter);
  auto verifying = verify(std::move(asked.value), std::move(asked.key));
  const Told told = co_await std::move(verifying);
  if (told.verdict == Verdict::verified) limiter_.give_back(address);
  metrics_
      .counter("chatrelay_identity_checks_total", "Identities that Livechatoo asked about",
               {{"source", source_}, {"verdict", std::string(name_of(told.verdict))}})
      .add();
  auto pacing = pace(begin);
  co_await std::move(pacing);
  co_return answer_of(config_, told);
}

asio::awaitable<Told> Identity::verify(std::string value, std::string key) {
  const bool may_ask = config_.key.empty() || config_.key.matches(key);
  if (!may_ask || value.empty() || value.size() > value_bytes_max) co_return of(Verdict::unknown);
  if (config_.token) {
    const auto claims = verify_token(*config_.token, value, clock_.now());
    if (!claims) co_return of(Verdict::unknown);
    const boost::json::value document = *claims;
    Told told = told_of_document(document);
    if (claims->empty() && config_.answer == ".") told.verdict = Verdict::verified;  // signed, of whom nothing is told
    co_return told;
  }
  if (auto known = cache_.find(value, clock_.steady())) co_return std::move(*known);
  auto looking = look_up(value);
  Told told = co_await std::move(looking);
  cache_.put(value, told, clock_.steady());
  co_return told;
}

asio::awaitable<Told> Identity::look_up(std::string value) {
  auto request = lookup_request(*config_.lookup, value);
  if (!request) co_return of(Verdict::unknown);
  if (under_way_ >= under_way_max) co_return of(Verdict::unavailable);
  const UnderWay counted_here(under_way_);
  auto sending = client_->send(std::move(*request));
  const http::ClientResponse response = co_await std::move(sending);
  const Found found = judge(response);
  if (found == Found::nobody) co_return of(Verdict::unknown);
  if (found == Found::unavailable) {
    trouble(response.timed_out         ? "it did not answer in time"
            : response.refused_address ? "its address is private, and allow_private is not set"
            : response.status != 0     ? "it answered with an error"
                                       : "it could not be reached");
    co_return of(Verdict::unavailable);
  }
  const auto document = parse_json(response.body);
  if (document) co_return told_of_document(*document);
  trouble("its answer is not JSON");
  co_return of(Verdict::unavailable);
}

Told Identity::told_of_document(const boost::json::value& document) {
  const auto result = program_->first(answer_, document);
  if (!result) {
    trouble("identity.answer fails on its answer");  // jq's message would quote what the website said
    return of(Verdict::unavailable);
  }
  std::vector<boost::json::value> results;
  if (*result) results.push_back(**result);
  return told_of(results);
}

// What was fast and what was slow leaves at the same times.
asio::awaitable<void> Identity::pace(SteadyTime begin) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const auto steps = std::chrono::duration_cast<Millis>(now - begin) / config_.pace + 1;
  asio::steady_timer timer(executor_, begin + steps * config_.pace);
  auto waiting = timer.async_wait(asio::use_awaitable);
  co_await std::move(waiting);
}

void Identity::trouble(std::string_view what) {
  const SteadyTime now = clock_.steady();
  if (now < next_line_) return;
  next_line_ = now + quiet;
  log::warn("identities cannot be verified", {{"source", source_}, {"why", what}});
}

}  // namespace chatrelay::systems::livechatoo::endpoints
