// What the handlers of the API share: the services behind them, the request taken apart, and the answers they give.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>

#include "admin/api/fields.hpp"
#include "admin/api/reader_thread.hpp"
#include "admin/context.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

namespace chatrelay::admin::api {

using boost::asio::awaitable;

inline constexpr Millis write_limit{
    30'000};  // for one thing that the store, the planner or the dispatcher is asked to do
inline constexpr std::size_t page_max = 500;     // Limit: rows in one answer
inline constexpr std::size_t bulk_max = 10'000;  // Limit: events or deliveries that one request changes

// Lives as long as the Api and every answer that streams.
struct Services {
  explicit Services(Context c) : context(std::move(c)), reads(context.store, context.executor) {}
  Context context;
  ReaderThread reads;
  bool closing = false;
  std::size_t tails = 0;  // answers of events tail that are open
};

// One request. Lives in the coroutine that serves it.
struct Call {
  Call(std::shared_ptr<Services> s, http::Request& r, const http::Captures& n, Fields f)
      : services(std::move(s)), request(r), names(n), fields(std::move(f)) {}
  std::shared_ptr<Services> services;
  http::Request& request;
  const http::Captures& names;  // what stood for {…} in the path, decoded
  Fields fields;                // of the query (GET) or of the JSON body (POST)

  Context& context() { return services->context; }
  WallTime now() { return services->context.clock.now(); }
};

using Handler = awaitable<http::Response> (*)(Call& call);

http::Response json_response(int status, const json::value& value);
http::Response error_response(const Error& error);

// A value of the store's or an error, as an answer: what most reads end with.
template <class T>
http::Response answer(const Result<T>& result) {
  return result ? json_response(200, *result) : error_response(result.error());
}

}  // namespace chatrelay::admin::api
