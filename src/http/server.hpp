// Server: Boost.Beast on one io_context: HTTP/1.1, optional TLS, limits everywhere. Knows nothing of chats.
//
// A connection's coroutine owns its socket by value and is in the server's TaskGroup. Limits: body, header count, header
// bytes, time for a request's head and body (a slow sender is cut off), idle time, connections.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/metrics.hpp"

namespace chatrelay::http {

namespace beast = boost::beast;

struct Request {
  Request() {}
  beast::http::request<beast::http::string_body> message;
  std::string remote;            // client address, after trusted proxies
  bool secure = false;           // TLS, or a trusted proxy said https
  SteadyTime received;           // when the head was complete
  std::string_view method() const;
  std::string_view target() const;
  std::string_view path() const;   // without query, not decoded
  std::string_view query() const;
};

struct Response {
  Response() {}
  explicit Response(int s, std::string b = {}, std::string type = "text/plain; charset=utf-8")
      : status(s), body(std::move(b)), content_type(std::move(type)) {}
  int status = 200;
  std::string body;
  std::string content_type;      // none is sent with an empty body
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;
  // For answers without an end (events tail): called repeatedly for the next chunk after `body`; an empty chunk ends it. May be unset.
  std::function<boost::asio::awaitable<std::string>()> stream;
};

// Handles one request; must not throw. The Request is owned by the connection's coroutine and outlives the await.
using Handler = std::function<boost::asio::awaitable<Response>(Request& request)>;

struct ServerLimits {
  std::uint64_t body_bytes_max = 1 << 20;
  std::size_t headers_max = 100;
  std::size_t header_bytes_max = 32 << 10;
  std::size_t connections_max = 10'000;
  Millis head_timeout{15'000};
  Millis body_timeout{30'000};
  Millis idle_timeout{60'000};
  Millis write_timeout{30'000};
};

struct ServerOptions {
  std::string name = "public";             // for logs and metrics
  boost::asio::ip::tcp::endpoint endpoint;
  int inherited_socket = -1;               // from socket activation; then endpoint is not bound
  std::string certificate_file, key_file;  // empty: no TLS
  std::vector<std::string> trusted_proxies;
  ServerLimits limits;
  std::vector<std::string> hosts_allowed;  // admin: Host must be one of these (port ignored); empty: any
};

class Server {
 public:
  // Binds and listens; nothing is accepted before start(). Errors: address in use, certificate unreadable (file named).
  static Result<std::unique_ptr<Server>> create(boost::asio::any_io_executor executor, ServerOptions options, Handler handler, Metrics& metrics);
  ~Server();
  void start();
  boost::asio::ip::tcp::endpoint local_endpoint() const;
  Result<void> reload_certificate(const std::string& certificate_file, const std::string& key_file);
  void set_limits(const ServerLimits& limits);
  // Stops accepting (closing the listening socket unless inherited), lets requests under way finish with Connection: close, cuts idle connections; true if all ended in time.
  boost::asio::awaitable<bool> drain(Millis limit);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "10.0.0.0/8" or an address. For trusted_proxies.
Result<bool> address_in(const boost::asio::ip::address& address, std::string_view cidr);
// The client's address: the rightmost entry of X-Forwarded-For that is not a trusted proxy, when the peer is one; else the peer.
std::string client_address(const boost::asio::ip::address& peer, std::string_view forwarded_for, const std::vector<std::string>& trusted);
// Refused for outgoing connections unless allow_private: loopback, private, link-local, CGNAT, multicast, unspecified, documentation, v4-mapped ones.
bool is_private_address(const boost::asio::ip::address& address);

}  // namespace chatrelay::http
