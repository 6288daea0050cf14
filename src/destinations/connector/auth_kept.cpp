#include "destinations/connector/auth_kept.hpp"

#include <array>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/crypto.hpp"
#include "common/json.hpp"

namespace chatrelay::destinations::connector {

namespace asio = boost::asio;

namespace {

constexpr Millis commit_limit{30'000};  // for one commit: the disk may be busy, not gone

// Lifetime: shared with the store's callback, so one that comes too late changes nothing.
struct Answer {
  explicit Answer(const asio::any_io_executor& e) : executor(e), ready(e) {}
  asio::any_io_executor executor;
  asio::steady_timer ready;
  std::optional<Result<bool>> result;
};

}  // namespace

KeptTokens::KeptTokens(store::Store& store, asio::any_io_executor executor, Sealer sealer,
                       const std::string& destination, std::string origin)
    : store_(store),
      executor_(std::move(executor)),
      sealer_(std::move(sealer)),
      name_("token:" + destination),
      origin_(std::move(origin)) {}

Result<std::optional<KeptToken>> KeptTokens::recall() {
  const std::unique_ptr<store::Reader> reader = store_.open_reader();
  if (!reader) return unavailable("the store cannot be read");
  const auto remembered = reader->remembered(name_);
  if (!remembered) return remembered.error();
  const json::value* value = remembered->has_value() ? &**remembered : nullptr;
  if (value == nullptr || value->is_null()) return std::optional<KeptToken>();
  if (!value->is_string()) return invalid("the kept token cannot be opened: it is not a sealed text");
  const Result<std::string> opened = sealer_.open(std::string_view(value->get_string()), name_);
  if (!opened) return invalid("the kept token cannot be opened: " + opened.error().message);
  const auto parsed = parse_json(*opened);
  if (!parsed || !parsed->is_object()) return invalid("the kept token cannot be opened: it is not what we keep");
  if (strict_string_at(*parsed, "origin") != origin_) return std::optional<KeptToken>();
  KeptToken token;
  token.refresh_token = strict_string_at(*parsed, "refresh_token").value_or("");
  if (const json::value* answer = find(*parsed, "token"); answer && answer->is_object())
    token.token = answer->get_object();
  if (const auto expires_ms = int_at(*parsed, "expires_at_ms")) token.expires_at = from_ms(*expires_ms);
  return std::optional<KeptToken>(std::move(token));
}

asio::awaitable<Result<void>> KeptTokens::keep(KeptToken token) {
  json::object record{{"origin", origin_}, {"refresh_token", token.refresh_token}, {"token", std::move(token.token)}};
  if (token.expires_at) record["expires_at_ms"] = to_ms(*token.expires_at);
  json::value sealed(json::string(sealer_.seal(json::serialize(record), name_)));
  const auto answer = std::make_shared<Answer>(executor_);
  answer->ready.expires_after(commit_limit);
  store_.remember(name_, std::move(sealed), [answer](Result<bool> done) {
    asio::post(answer->executor, [answer, done = std::move(done)]() mutable {
      answer->result.emplace(std::move(done));
      answer->ready.cancel();
    });
  });
  constexpr auto token_kind = asio::as_tuple(asio::use_awaitable);
  if (!answer->result) co_await answer->ready.async_wait(token_kind);
  if (!answer->result) co_return unavailable("the store does not commit");
  if (!*answer->result) co_return answer->result->error();
  co_return Result<void>{};
}

std::string kept_origin(const std::string& token_url, const std::string& client_id, const std::string& refresh_token) {
  const std::array<std::string_view, 3> parts{token_url, client_id, refresh_token};
  const Hash128 names = hash128(parts);
  const std::array<std::uint64_t, 2> numbers{names.high, names.low};
  std::string bytes;
  for (const std::uint64_t number : numbers)
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return base64url_encode(bytes);
}

}  // namespace chatrelay::destinations::connector
