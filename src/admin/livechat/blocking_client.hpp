// BlockingClient: http::Client for a command: one request, and wait for its answer.
// Thread: the one that made it. Every wait has http::Client's deadlines.
#pragma once

#include <boost/asio/io_context.hpp>

#include "http/client.hpp"

namespace chatrelay::admin::livechat {

class BlockingClient {
 public:
  BlockingClient();
  http::ClientResponse send(http::ClientRequest request);

 private:
  // Lifetime: the client ends before the context that it runs in.
  boost::asio::io_context context_;
  http::Client client_;
};

}  // namespace chatrelay::admin::livechat
