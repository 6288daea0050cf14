// Api: the operator's JSON API on the admin port, /metrics, /healthz and /readyz. The commands use the same; api.md
// describes it.
//
// Promises: every request but the health checks needs the admin token where one is configured; a request from another
// web site (Origin) is refused; bad input gets 400 and the name of what is wrong. The Host header is checked by
// http::Server, which gets admin_hosts() (context.hpp). Not here: deciding anything; this room asks store, planner and
// dispatcher.
#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>

#include "admin/context.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

namespace chatrelay::admin::api {

struct Services;

class Api {
 public:
  explicit Api(Context context);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Thread: the executor's. For http::Server: api outlives the server.
  boost::asio::awaitable<http::Response> handle(http::Request& request);
  // Ends the answers that have no end by themselves (events tail), so that draining the server does not wait for them.
  void close_streams();
  std::size_t open_streams() const;

 private:
  std::shared_ptr<Services> services_;
  http::Router router_;
};

}  // namespace chatrelay::admin::api
