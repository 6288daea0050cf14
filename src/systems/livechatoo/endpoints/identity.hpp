// Identity: GET|POST /livechatoo/identity. Livechatoo calls it with the value that a page gave to it as `custom`; the
// answer tells the operator whose session that is, or that it is nobody's.
//
// The value is a session: it is not stored, logged, counted or cached in the clear, and stands in no answer. Whoever
// guesses learns nothing from the time (answers leave at multiples of `pace`, comparisons are constant) and gets few
// guesses (`limit` counts what verified nobody, by address). Without `key` whoever has a session may still ask whose it
// is: that is what the call is for.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "http/client.hpp"
#include "http/request_limiter.hpp"
#include "systems/endpoints.hpp"
#include "systems/livechatoo/endpoints/identity_cache.hpp"
#include "systems/livechatoo/endpoints/identity_config.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

// Thread: ingest, for everything.
class Identity {
 public:
  // `config` was checked: `answer` compiles.
  Identity(std::string source, IdentityConfig config, const EndpointContext& context);

  // Lifetime: this outlives the await. May throw when the caller is cancelled.
  boost::asio::awaitable<http::Response> handle(http::Request& request);

 private:
  boost::asio::awaitable<Told> verify(std::string value, std::string key);
  boost::asio::awaitable<Told> look_up(std::string value);
  Told told_of_document(const boost::json::value& document);
  boost::asio::awaitable<void> pace(SteadyTime begin);
  void trouble(std::string_view what);

  std::string source_;
  IdentityConfig config_;
  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  Metrics& metrics_;
  expression::ExpressionId answer_ = 0;
  std::unique_ptr<expression::Program> program_;
  std::unique_ptr<http::Client> client_;  // of its own: the delivery thread's belongs to another executor
  http::RequestLimiter limiter_;
  IdentityCache cache_;
  std::size_t under_way_ = 0;
  SteadyTime next_line_{};
};

}  // namespace chatrelay::systems::livechatoo::endpoints
