// Server: Boost.Beast on one io_context: HTTP/1.1, optional TLS, limits everywhere. Knows nothing of chats.
//
// A connection's coroutine owns its socket by value and is in the server's TaskGroup. Limits: body, header count,
// header bytes, time for a request's head and body (absolute, so a slow sender is cut off), idle time, connections.
//
// What it answers itself: 400 (grammar, both lengths, no Host), 403 (hosts_allowed), 408, 413, 417, 431, 500 (a handler
// threw), 501 (transfer coding), 503 (too many connections, too many large bodies at once). It sets Date,
// Content-Length, Connection, Transfer-Encoding and X-Content-Type-Options; a handler's header of that name, or with a
// line break in it, is dropped and logged. Trailers of chunked requests are dropped: a field that arrives after the
// head was checked is not to be trusted.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/metrics.hpp"
#include "http/address.hpp"

namespace chatrelay::http {

namespace beast = boost::beast;

struct Request {
  Request() {}
  beast::http::request<beast::http::string_body> message;
  std::string remote;   // client address, after trusted proxies
  bool secure = false;  // TLS, or a trusted proxy said https
  SteadyTime received;  // when the head was complete
  std::string_view method() const;
  std::string_view target() const;
  std::string_view header(std::string_view name) const;  // the first of that name; empty if there is none
  std::string_view path() const;                         // without query, not decoded; of an absolute-form target too
  std::string_view query() const;
};

struct Response {
  Response() {}
  explicit Response(int s, std::string b = {}, std::string type = "text/plain; charset=utf-8")
      : status(s), body(std::move(b)), content_type(std::move(type)) {}
  int status = 200;
  std::string body;
  std::string content_type;  // none is sent with an empty body
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;
  // For answers without an end (events tail): called repeatedly for the next chunk after `body`; an empty chunk ends
  // it. May be unset.
  std::function<boost::asio::awaitable<std::string>()> stream;
};

// Handles one request; must not throw. The Request is owned by the connection's coroutine and outlives the await.
using Handler = std::function<boost::asio::awaitable<Response>(Request& request)>;

struct ServerLimits {
  std::uint64_t body_bytes_max = 1 << 20;
  std::size_t headers_max = 100;
  std::size_t header_bytes_max = 32 << 10;
  // And at most half of the descriptors that the process may have. One address (a v6 /64) has a quarter of them (16 at
  // least), unless it is a trusted proxy. When all are taken, the one that waits longest is closed for a new one.
  std::size_t connections_max = 10'000;
  Millis waiting_kept{1'000};                  // who waits for less is not closed: the request may be on its way
  std::uint64_t bodies_bytes_max = 256 << 20;  // of all requests being received; usual ones have a place beyond it
  Millis head_timeout{15'000};
  Millis body_timeout{30'000};
  Millis idle_timeout{60'000};
  Millis write_timeout{30'000};
};

struct ServerOptions {
  std::string name = "public";  // for logs and metrics
  boost::asio::ip::tcp::endpoint endpoint;
  int inherited_socket = -1;               // from socket activation; then endpoint is not bound
  std::string certificate_file, key_file;  // empty: no TLS
  std::vector<std::string> trusted_proxies;
  ServerLimits limits;
  // Prefixes of paths whose refusals by the server itself have no body: their senders show answers to people. Neither
  // have then refusals of a head that could not be read as far as its path.
  std::vector<std::string> bare_refusals;
  std::vector<std::string> hosts_allowed;  // admin: Host must be one of these (port ignored); empty: any
};

struct ServerState;

class Server {
 public:
  // Thread: the executor's, for everything but create(). Lifetime: `metrics` and the executor's context outlive the
  // server. Binds and listens; nothing is accepted before start(). Errors: address in use, certificate unreadable (file
  // named).
  static Result<std::unique_ptr<Server>> create(boost::asio::any_io_executor executor, ServerOptions options,
                                                Handler handler, Metrics& metrics);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  void start();
  boost::asio::ip::tcp::endpoint local_endpoint() const;
  std::size_t connections() const;
  // For connections from now on. The old certificate stays when the new one cannot be read.
  Result<void> reload_certificate(const std::string& certificate_file, const std::string& key_file);
  void set_limits(const ServerLimits& limits);
  void set_bare_refusals(std::vector<std::string> prefixes);
  // Stops accepting (closing the listening socket unless inherited), lets requests under way finish with Connection:
  // close, cuts idle connections and streams; true if all ended in time. What has not ended then is cut.
  boost::asio::awaitable<bool> drain(Millis limit);

 private:
  explicit Server(std::shared_ptr<ServerState> state);
  std::shared_ptr<ServerState> state_;  // connections share it, so that a context torn down after the server is safe
};

}  // namespace chatrelay::http
