#include "http/server.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/log.hpp"
#include "http/head_check.hpp"
#include "http/server_state.hpp"
#include "http/tls.hpp"

namespace chatrelay::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr Millis accept_pause{100};  // out of descriptors: connections that end give some back
constexpr Millis log_pause{10'000};  // such trouble is logged once in this time
constexpr int backlog = 4096;        // bounded by net.core.somaxconn anyway

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

// What stands before the '?', of an absolute-form target without scheme and authority.
std::string_view origin_form(std::string_view target) {
  if (target.empty() || target.front() == '/') return target;
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos || scheme > 5) return target;
  const auto slash = target.find_first_of("/?", scheme + 3);
  return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
}

bool out_of_resources(const error_code& ec) {
  return ec == asio::error::no_descriptors || ec == boost::system::errc::too_many_files_open_in_system ||
         ec == asio::error::no_buffer_space || ec == asio::error::no_memory;
}

// The store, the admin port and deliveries need descriptors too: strangers who only connect must not take them all.
std::size_t descriptors_for_connections() {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return std::max<std::size_t>(static_cast<std::size_t>(descriptors.rlim_cur) / 2, 1);
}

void refuse_one(tcp::socket& socket) {
  static constexpr std::string_view answer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n";
  error_code ec;
  socket.non_blocking(true, ec);
  socket.write_some(asio::const_buffer(answer.data(), answer.size()), ec);
  socket.shutdown(tcp::socket::shutdown_send, ec);
  char unread[4096];  // a close with unread bytes would be a reset
  socket.read_some(asio::mutable_buffer(unread, sizeof unread), ec);
}

}  // namespace

std::string_view Request::method() const {
  return view(message.method_string());
}
std::string_view Request::target() const {
  return view(message.target());
}

std::string_view Request::header(std::string_view name) const {
  return view(message[beast::string_view(name.data(), name.size())]);
}

std::string_view Request::path() const {
  const auto form = origin_form(target());
  return form.substr(0, form.find_first_of("?#"));
}

std::string_view Request::query() const {
  const auto form = origin_form(target());
  const auto mark = form.find('?');
  if (mark == std::string_view::npos) return {};
  const auto query = form.substr(mark + 1);
  return query.substr(0, query.find('#'));
}

std::string_view phase_name(Phase phase) {
  static constexpr std::string_view names[]{"handshake", "idle",    "head",      "body",
                                            "handling",  "writing", "streaming", "closing"};
  return names[static_cast<std::size_t>(phase)];
}

ServerMetrics::ServerMetrics(Metrics& metrics, const std::string& server)
    : connections(metrics.gauge("chatrelay_http_connections", "Open connections", {{"server", server}})),
      refused(metrics.counter("chatrelay_http_connections_refused_total", "Connections over the limit",
                              {{"server", server}})),
      closed_for_others(metrics.counter("chatrelay_http_connections_closed_for_others_total",
                                        "Waiting connections that were closed to make room", {{"server", server}})) {
  by_class[0] = nullptr;
  by_class[1] = nullptr;
  for (std::size_t i = 2; i < by_class.size(); ++i) {
    by_class[i] = &metrics.counter("chatrelay_http_requests_total", "Answered requests by class of status",
                                   {{"server", server}, {"status", std::to_string(i) + "xx"}});
  }
  for (std::size_t i = 0; i < timeouts.size(); ++i) {
    timeouts[i] = &metrics.counter("chatrelay_http_timeouts_total", "Connections cut off, by what they were doing",
                                   {{"server", server}, {"phase", std::string(phase_name(static_cast<Phase>(i)))}});
  }
}

ServerState::ServerState(asio::any_io_executor e, ServerOptions o, Handler h, Metrics& m)
    : executor(std::move(e)),
      options(std::move(o)),
      handler(std::move(h)),
      acceptor(executor),
      sweep_timer(executor),
      metrics(m, options.name),
      group(executor, "http " + options.name) {
  set_limits(options.limits);
}

void ServerState::set_limits(const ServerLimits& l) {
  limits = l;
  const auto shortest = std::min({l.head_timeout, l.body_timeout, l.idle_timeout, l.write_timeout});
  sweep_every = std::clamp(shortest / 8, Millis{5}, Millis{250});
  if (limits.headers_max == 0) limits.headers_max = 1;
  limits.connections_max = std::min(limits.connections_max, descriptors_for_connections());
}

Result<void> ServerState::listen() {
  error_code ec;
  const auto failed = [&](const char* what) {
    std::string where = options.inherited_socket >= 0
                            ? "the inherited socket " + std::to_string(options.inherited_socket)
                            : options.endpoint.address().to_string() + ":" + std::to_string(options.endpoint.port());
    return invalid("cannot " + std::string(what) + " " + where + " (" + options.name + "): " + ec.message());
  };
  if (options.inherited_socket >= 0) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(options.inherited_socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      ec = error_code(errno, boost::system::system_category());
      return failed("use");
    }
    acceptor.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), options.inherited_socket, ec);
    if (ec) return failed("use");
    return {};
  }
  acceptor.open(options.endpoint.protocol(), ec);
  if (ec) return failed("open a socket for");
  acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  acceptor.bind(options.endpoint, ec);
  if (ec) return failed("bind to");
  acceptor.listen(backlog, ec);
  if (ec) return failed("listen on");
  return {};
}

bool ServerState::trusts(const asio::ip::address& peer) const {
  return std::ranges::any_of(trusted, [&](const Network& network) { return network.contains(peer); });
}

// Small servers too serve a browser or a sender that opens some at once.
std::size_t ServerState::connections_per_address_max() const {
  return std::max<std::size_t>(limits.connections_max / 4, 16);
}

bool ServerState::has_place_for(const tcp::socket& socket) {
  error_code ec;
  const auto remote = socket.remote_endpoint(ec);
  if (ec) return false;  // gone already
  const auto peer = normalized(remote.address());
  if (connections.of(peer) >= connections_per_address_max() && !trusts(peer)) return false;
  if (connections.size() < limits.connections_max) return true;
  if (!connections.make_room(std::chrono::steady_clock::now() - limits.waiting_kept)) return false;
  metrics.closed_for_others.add();
  return true;
}

void ServerState::register_connection(ConnectionControl& control, const asio::ip::address& peer) {
  connections.add(control, peer, !trusts(peer));
  metrics.connections.set(static_cast<double>(connections.size()));
}

void ServerState::unregister_connection(ConnectionControl& control) {
  connections.remove(control);
  if (!stopped) metrics.connections.set(static_cast<double>(connections.size()));
}

void ServerState::sweep_later() {
  sweep_timer.expires_after(sweep_every);
  sweep_timer.async_wait([weak = weak_from_this()](const error_code& ec) {
    const auto self = weak.lock();
    if (ec || !self || self->stopped) return;
    self->sweep();
    self->sweep_later();
  });
}

void ServerState::sweep() {
  const auto now = std::chrono::steady_clock::now();
  for (auto& connection : connections) {
    if (connection.deadline > now) continue;
    if (connection.phase != Phase::closing) metrics.timeouts[static_cast<std::size_t>(connection.phase)]->add();
    connection.cut();
  }
}

void ServerState::start_drain() {
  draining = true;
  error_code ec;
  if (options.inherited_socket >= 0) {
    acceptor.cancel(ec);
  } else {
    acceptor.close(ec);
  }
  for (auto& connection : connections) {
    if (connection.wake) connection.wake->cancel();
    const bool waits = connection.fresh && (connection.phase == Phase::idle || connection.phase == Phase::head);
    // A request that is in the socket already is answered; one that is under way on the wire is not.
    if (connection.phase == Phase::streaming || (waits && connection.socket.available(ec) == 0)) connection.cut();
  }
}

void ServerState::stop() {
  if (stopped) return;
  stopped = true;
  metrics.connections.set(0);
  draining = true;
  error_code ec;
  acceptor.close(ec);
  sweep_timer.cancel();
  for (auto& connection : connections) {
    connection.cut();
    connection.socket.close(ec);
  }
  group.close();
  group.cancel_all();
}

asio::awaitable<void> accept_loop(std::shared_ptr<ServerState> state) {
  SteadyTime logged{};
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  while (!state->draining) {
    tcp::socket socket(state->executor);
    co_await state->acceptor.async_accept(socket, token);
    if (state->draining || ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) co_return;
    if (ec) {
      if (!out_of_resources(ec)) continue;  // this connection is gone already (ECONNABORTED and the like)
      const auto now = std::chrono::steady_clock::now();
      if (now - logged > log_pause) {
        logged = now;
        log::warn("no connection can be accepted", {{"server", state->options.name}, {"why", ec.message()}});
      }
      asio::steady_timer pause(state->executor, accept_pause);
      co_await pause.async_wait(token);
      continue;
    }
    if (!state->has_place_for(socket)) {
      state->metrics.refused.add();
      refuse_one(socket);
      continue;
    }
    socket.set_option(tcp::no_delay(true), ec);
    auto connection = state->tls ? serve_tls(state, std::move(socket)) : serve_plain(state, std::move(socket));
    state->group.spawn(std::move(connection));
  }
}

Server::Server(std::shared_ptr<ServerState> state) : state_(std::move(state)) {}

Server::~Server() {
  state_->stop();
}

Result<std::unique_ptr<Server>> Server::create(asio::any_io_executor executor, ServerOptions options, Handler handler,
                                               Metrics& metrics) {
  auto state = std::make_shared<ServerState>(std::move(executor), std::move(options), std::move(handler), metrics);
  for (const auto& text : state->options.trusted_proxies) {
    auto network = Network::parse(text);
    if (network.has_error()) return network.error();
    state->trusted.push_back(*network);
  }
  if (!state->options.certificate_file.empty()) {
    auto tls = make_server_tls(state->options.certificate_file, state->options.key_file);
    if (tls.has_error()) return tls.error();
    state->tls = std::move(*tls);
  }
  const auto listening = state->listen();
  if (listening.has_error()) return listening.error();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

void Server::start() {
  auto loop = accept_loop(state_);
  state_->group.spawn(std::move(loop));
  state_->sweep_later();
}

tcp::endpoint Server::local_endpoint() const {
  error_code ec;
  return state_->acceptor.local_endpoint(ec);
}

std::size_t Server::connections() const {
  return state_->connections.size();
}

Result<void> Server::reload_certificate(const std::string& certificate_file, const std::string& key_file) {
  auto tls = make_server_tls(certificate_file, key_file);
  if (tls.has_error()) return tls.error();
  state_->tls = std::move(*tls);
  return {};
}

void Server::set_limits(const ServerLimits& limits) {
  state_->set_limits(limits);
}

void Server::set_bare_refusals(std::vector<std::string> prefixes) {
  state_->options.bare_refusals = std::move(prefixes);
}

asio::awaitable<bool> Server::drain(Millis limit) {
  const auto state = state_;
  state->start_drain();
  state->group.close();
  const bool ended = co_await state->group.join(limit);
  if (!ended) {
    state->stop();
    constexpr Millis after_cut{1000};  // what is cut needs a turn of the loop, no more
    co_await state->group.join(after_cut);
  }
  co_return ended;
}

}  // namespace chatrelay::http
