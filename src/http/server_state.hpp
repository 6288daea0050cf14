// What a Server and its connections share. Inside the room only.
// Lifetime: held by the Server and by every connection's coroutine. Thread: the executor's.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/async/task_group.hpp"
#include "http/connection_table.hpp"
#include "http/response_format.hpp"
#include "http/server.hpp"

namespace chatrelay::http {

std::string_view phase_name(Phase phase);

struct ServerMetrics {
  ServerMetrics(Metrics& metrics, const std::string& server);
  Gauge& connections;
  Counter& refused;
  Counter& closed_for_others;
  std::array<Counter*, 6> by_class;  // index: status / 100
  std::array<Counter*, 8> timeouts;  // index: Phase
};

struct ServerState : std::enable_shared_from_this<ServerState> {
  ServerState(boost::asio::any_io_executor executor, ServerOptions options, Handler handler, Metrics& metrics);
  Result<void> listen();
  void sweep_later();
  void sweep();
  void set_limits(const ServerLimits& limits);
  bool trusts(const boost::asio::ip::address& peer) const;  // a trusted proxy; the peer is normalized()
  // Whether a new connection has a place; one that only waits may be closed for it.
  bool has_place_for(const boost::asio::ip::tcp::socket& socket);
  std::size_t connections_per_address_max() const;
  void register_connection(ConnectionControl& control, const boost::asio::ip::address& peer);
  void unregister_connection(ConnectionControl& control);
  void stop();
  void start_drain();

  boost::asio::any_io_executor executor;
  ServerOptions options;
  ServerLimits limits;
  Handler handler;
  std::vector<Network> trusted;
  std::shared_ptr<boost::asio::ssl::context> tls;  // swapped whole by a reload
  boost::asio::ip::tcp::acceptor acceptor;
  boost::asio::steady_timer sweep_timer;
  Millis sweep_every{250};
  ConnectionTable connections;
  ServerMetrics metrics;
  DateHeader date;
  TaskGroup group;
  std::uint64_t bodies_bytes = 0;  // of large bodies that connections hold
  bool draining = false;
  bool stopped = false;
};

boost::asio::awaitable<void> accept_loop(std::shared_ptr<ServerState> state);
boost::asio::awaitable<void> serve_plain(std::shared_ptr<ServerState> state, boost::asio::ip::tcp::socket socket);
boost::asio::awaitable<void> serve_tls(std::shared_ptr<ServerState> state, boost::asio::ip::tcp::socket socket);

}  // namespace chatrelay::http
