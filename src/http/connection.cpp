#include "http/connection.hpp"

#include <algorithm>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>

#include "common/log.hpp"
#include "common/text.hpp"

namespace chatrelay::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t read_bytes = 4096;             // a webhook's head and body fit: one read
constexpr std::size_t body_read_bytes = 64 << 10;    // for bodies that do not
constexpr std::size_t one_write_bytes = 16 << 10;    // up to here the body is copied behind the head: one write
constexpr std::size_t buffer_kept_bytes = 16 << 10;  // an idle connection keeps no more
constexpr std::size_t usual_body_bytes = 16 << 10;   // up to here a body is not counted against all bodies' limit
constexpr std::size_t linger_bytes_max = 4 << 20;
constexpr Millis linger_time{1000};  // for the peer to read our last words before a reset could overtake them
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

template <class Stream>
Connection<Stream>::Connection(std::shared_ptr<ServerState> state, Stream stream)
    : state_(std::move(state)), stream_(std::move(stream)), control_(socket()) {
  error_code ec;
  const auto remote = socket().remote_endpoint(ec);
  if (!ec) peer_ = normalized(remote.address());
  peer_text_ = peer_.to_string();
  trusted_ = state_->trusts(peer_);
  state_->register_connection(control_, peer_);
}

template <class Stream>
Connection<Stream>::~Connection() {
  hold_body(0);
  state_->unregister_connection(control_);
}

template <class Stream>
Plain& Connection<Stream>::socket() {
  if constexpr (is_tls) {
    return stream_.next_layer();
  } else {
    return stream_;
  }
}

template <class Stream>
void Connection<Stream>::enter(Phase phase, Millis limit) {
  enter(phase, std::chrono::steady_clock::now(), limit);
}

template <class Stream>
void Connection<Stream>::enter(Phase phase, SteadyTime now, Millis limit) {
  control_.phase = phase;
  control_.since = now;
  control_.deadline = now + limit;
  state_->connections.moved(control_);
}

template <class Stream>
void Connection<Stream>::enter_without_limit(Phase phase) {
  control_.phase = phase;
  control_.deadline = SteadyTime::max();
  state_->connections.moved(control_);
}

template <class Stream>
asio::awaitable<void> Connection<Stream>::run() {
  try {
    bool open = true;
    if constexpr (is_tls) open = co_await handshake();
    enter(Phase::head, state_->limits.head_timeout);  // a new connection has to say something soon; later ones may idle
    while (open) open = co_await serve_one();
    co_await close_gracefully();
  } catch (const boost::system::system_error&) {
    // Cancelled from outside: the await that was next says so by throwing. Nothing is left to say to the peer.
  }
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::handshake() {
  if constexpr (is_tls) {
    enter(Phase::handshake, state_->limits.head_timeout);
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    co_await stream_.async_handshake(asio::ssl::stream_base::server, token);
    co_return !ec;
  } else {
    co_return true;
  }
}

template <class Stream>
void Connection<Stream>::start_request() {
  const auto& limits = state_->limits;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
  parser_->body_limit(limits.body_bytes_max);
  verdict_ = {};
  hold_body(0);
  head_bytes_ = 0;
  head_done_ = false;
  continue_sent_ = false;
  if (buffer_.size() == 0 && buffer_.capacity() > buffer_kept_bytes) buffer_.shrink_to_fit();
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::serve_one() {
  start_request();
  const auto got = co_await read_request();
  if (got == Got::closed) co_return false;
  if (got == Got::refused) {
    const auto verdict = verdict_;
    co_return co_await refuse(verdict);
  }
  finish_request();
  enter_without_limit(Phase::handling);  // the handler's own deadlines hold
  Response response = co_await handled();
  const bool open = co_await answer(response);
  if (!open) co_return false;
  if (request_.message.body().capacity() > buffer_kept_bytes) request_.message.body() = std::string();
  control_.fresh = true;
  enter(Phase::idle, state_->limits.idle_timeout);
  co_return true;
}

// Limit: whoever may connect makes us keep a body before anything is known of him; so all bodies together have a limit.
// Small ones are not counted: a usual webhook is received while somebody else fills the memory.
template <class Stream>
bool Connection<Stream>::hold_body(std::size_t bytes) {
  const std::size_t counted = bytes > usual_body_bytes ? bytes : 0;
  state_->bodies_bytes = state_->bodies_bytes - body_held_ + counted;
  body_held_ = counted;
  return counted == 0 || state_->bodies_bytes <= state_->limits.bodies_bytes_max;
}

// Feeds the parser with what is in the buffer. False when the request has to be refused (verdict_ says how).
template <class Stream>
bool Connection<Stream>::parse_available() {
  error_code ec;
  while (buffer_.size() > 0 && !parser_->is_done()) {
    if (!parser_->got_some()) {  // an empty line before a request is allowed (RFC 9112 §2.2)
      const auto* bytes = static_cast<const char*>(buffer_.data().data());
      if (buffer_.size() >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
        buffer_.consume(2);
        continue;
      }
      if (buffer_.size() == 1 && bytes[0] == '\r') return true;
    }
    const auto used = parser_->put(buffer_.data(), ec);
    buffer_.consume(used);
    if (!head_done_) head_bytes_ += used;
    if (ec == beast::http::error::need_more) {
      // What cannot be parsed yet stays in the buffer: a head, a chunk's line or trailers. None of them may grow for
      // ever.
      if (buffer_.size() + (head_done_ ? 0 : head_bytes_) <= state_->limits.header_bytes_max) return true;
      ec = beast::http::error::header_limit;
    }
    if (ec) {
      verdict_ = verdict_of(ec);
      return false;
    }
    if (!head_done_ && parser_->is_header_done()) on_head();
    if (verdict_.status != 0) return false;
  }
  return true;
}

template <class Stream>
void Connection<Stream>::on_head() {
  head_done_ = true;
  const auto& head = parser_->get().base();
  keep_alive_ = parser_->keep_alive();
  verdict_ = check_head(head, state_->limits, state_->options.hosts_allowed);
  if (head_bytes_ > state_->limits.header_bytes_max) verdict_ = verdict_of(beast::http::error::header_limit);
  if (verdict_.status == 0 && verdict_.chunked) head_without_trailers_ = head;
  request_.received = std::chrono::steady_clock::now();
  enter(Phase::body, request_.received, state_->limits.body_timeout);
}

template <class Stream>
auto Connection<Stream>::read_request() -> asio::awaitable<Got> {
  for (;;) {
    if (buffer_.size() > 0 && control_.fresh) {
      control_.fresh = false;
      enter(Phase::head, state_->limits.head_timeout);
    }
    if (!parse_available()) co_return Got::refused;
    const std::size_t body_bytes = head_done_ ? parser_->get().body().size() : 0;
    const bool has_place = hold_body(body_bytes);
    if (parser_->is_done()) co_return Got::request;
    if (!has_place) {
      verdict_.status = 503;
      verdict_.why = "too many large bodies at once, send it again later\n";
      co_return Got::refused;
    }
    if (head_done_ && verdict_.wants_continue && !continue_sent_ && buffer_.size() == 0) {
      continue_sent_ = true;
      const bool sent = co_await write(continue_line);
      if (!sent) co_return Got::closed;
    }
    if (control_.fresh && state_->draining) co_return Got::closed;
    const bool more = co_await read_some();
    if (more) continue;
    if (control_.timed_out && !control_.fresh && socket().is_open()) {
      control_.timed_out = false;
      verdict_.status = 408;
      verdict_.why = "the request took too long\n";
      co_return Got::refused;
    }
    co_return Got::closed;
  }
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::read_some() {
  std::size_t wanted = read_bytes;
  if (head_done_) {
    const auto remaining = parser_->content_length_remaining();
    wanted = remaining ? std::clamp<std::size_t>(static_cast<std::size_t>(*remaining), read_bytes, body_read_bytes)
                       : body_read_bytes;
  }
  const auto space = buffer_.prepare(wanted);
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  const std::size_t count = co_await stream_.async_read_some(space, token);
  buffer_.commit(count);
  co_return !ec;
}

template <class Stream>
std::string Connection<Stream>::joined_field(std::string_view name) const {
  std::string joined;
  const auto range = request_.message.equal_range(beast::string_view(name.data(), name.size()));
  for (auto it = range.first; it != range.second; ++it) {
    if (!joined.empty()) joined += ',';
    joined.append(it->value().data(), it->value().size());
  }
  return joined;
}

template <class Stream>
void Connection<Stream>::finish_request() {
  request_.message = parser_->release();
  if (verdict_.chunked) request_.message.base() = std::move(head_without_trailers_);
  request_.secure = is_tls;
  if (!trusted_) {
    request_.remote = peer_text_;
    return;
  }
  const auto forwarded_for = joined_field("X-Forwarded-For");
  request_.remote = client_address(peer_, forwarded_for, state_->trusted);
  const auto protocols = joined_field("X-Forwarded-Proto");
  const auto comma = protocols.rfind(',');
  const auto nearest =
      comma == std::string::npos ? std::string_view(protocols) : std::string_view(protocols).substr(comma + 1);
  if (iequals_ascii(trim(nearest), "https")) request_.secure = true;
}

template <class Stream>
asio::awaitable<Response> Connection<Stream>::handled() {
  std::string thrown;
  try {
    auto pending = state_->handler(request_);
    Response response = co_await std::move(pending);
    co_return response;
  } catch (const std::exception& error) {
    thrown = error.what();
  }
  if (!state_->stopped) log::error("a handler threw", {{"server", state_->options.name}, {"what", printable(thrown)}});
  Response response(500, words_for(request_.message.target(), "internal error\n"));
  response.close = true;
  co_return response;
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::answer(Response& response) {
  if (response.status < 200 || response.status > 999) response.status = 500;
  if (auto* counter =
          state_->metrics.by_class[std::min<std::size_t>(static_cast<std::size_t>(response.status) / 100, 5)]) {
    counter->add();
  }
  ResponseShape shape;
  shape.http_1_0 = request_.message.version() < 11;
  shape.head_only = request_.message.method() == beast::http::verb::head;
  const bool streams = response.stream && status_has_body(response.status);
  shape.chunked = streams && !shape.http_1_0;
  shape.keep_alive = keep_alive_ && !response.close && !state_->draining && !(streams && shape.http_1_0);
  linger_ = !shape.keep_alive && keep_alive_;

  out_.clear();
  append_head(out_, response, shape, state_->date.now());
  const bool has_body = !shape.head_only && status_has_body(response.status);
  enter(Phase::writing, state_->limits.write_timeout);
  if (has_body && !streams && out_.size() + response.body.size() <= one_write_bytes) {
    out_.append(response.body);
    const bool written = co_await write(out_);
    co_return written&& shape.keep_alive;
  }
  const bool head_written = co_await write(out_);
  if (!head_written) co_return false;
  if (has_body && streams) {
    const bool complete = co_await answer_stream(response, shape.chunked);
    co_return complete&& shape.keep_alive;
  }
  if (has_body && !response.body.empty()) {
    const bool written = co_await write(response.body);
    if (!written) co_return false;
  }
  co_return shape.keep_alive;
}

// Ends when the peer has gone (it says so by closing) or the server drains.
template <class Stream>
asio::awaitable<void> Connection<Stream>::until_gone(asio::steady_timer& wake) {
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await socket().async_wait(Plain::wait_read, token);
  if (!ec) {
    char byte = 0;
    const auto seen = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (seen <= 0) co_return;
    co_await wake.async_wait(token);  // a pipelined request: it has to wait for the stream's end
  }
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::answer_stream(Response& response, bool chunked) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer wake(state_->executor, SteadyTime::max());
  std::string chunk = std::move(response.body);
  bool first = true;
  bool complete = false;
  while (!state_->draining && !state_->stopped) {
    if (!chunk.empty()) {
      out_.clear();
      if (chunked) {
        char size[24];
        const int length = std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
        out_.append(size, static_cast<std::size_t>(length)).append(chunk).append("\r\n");
      } else {
        out_.append(chunk);
      }
      enter(Phase::writing, state_->limits.write_timeout);
      const bool written = co_await write(out_);
      if (!written) co_return false;
    } else if (!first) {
      complete = true;
      break;
    }
    first = false;
    enter_without_limit(Phase::streaming);
    control_.wake = &wake;
    auto gone = until_gone(wake);
    auto next = response.stream();
    auto either = std::move(next) || std::move(gone);
    std::variant<std::string, std::monostate> outcome;
    bool failed = false;
    try {
      outcome = co_await std::move(either);
    } catch (const std::exception& error) {
      failed = true;
      log::warn("a stream of an answer failed", {{"server", state_->options.name}, {"what", printable(error.what())}});
    }
    control_.wake = nullptr;
    if (failed || outcome.index() == 1) break;
    chunk = std::move(std::get<0>(outcome));
  }
  if (!complete) co_return false;  // without the last chunk: the peer sees that something is missing
  if (chunked) {
    enter(Phase::writing, state_->limits.write_timeout);
    constexpr std::string_view last_chunk = "0\r\n\r\n";
    const bool written = co_await write(last_chunk);
    co_return written;
  }
  co_return true;
}

template <class Stream>
std::string Connection<Stream>::words_for(beast::string_view target, std::string_view why) const {
  const std::string_view path(target.data(), target.size());
  const bool bare = std::ranges::any_of(state_->options.bare_refusals, [&](const std::string& prefix) {
    return path.empty() || path.starts_with(prefix);  // without a target it could be any of them
  });
  return bare ? std::string() : std::string(why);
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::refuse(HeadVerdict verdict) {
  if (auto* counter = state_->metrics.by_class[static_cast<std::size_t>(verdict.status) / 100]) counter->add();
  Response response(verdict.status, words_for(parser_->get().target(), verdict.why));
  if (verdict.status == 503) response.headers.emplace_back("Retry-After", "5");
  ResponseShape shape;
  shape.keep_alive = false;
  linger_ = true;
  out_.clear();
  append_head(out_, response, shape, state_->date.now());
  out_.append(response.body);
  enter(Phase::writing, state_->limits.write_timeout);
  co_await write(out_);
  co_return false;
}

template <class Stream>
asio::awaitable<bool> Connection<Stream>::write(std::string_view bytes) {
  error_code ec;
  if constexpr (!is_tls) {
    // The socket's buffer nearly always has room: then no operation, no wake-up.
    while (!bytes.empty()) {
      const auto count = stream_.write_some(asio::const_buffer(bytes.data(), bytes.size()), ec);
      bytes.remove_prefix(count);
      if (ec == asio::error::interrupted) continue;
      if (ec) break;
    }
    if (bytes.empty()) co_return true;
    if (ec != asio::error::would_block && ec != asio::error::try_again) co_return false;
    ec = {};
  }
  const asio::const_buffer rest(bytes.data(), bytes.size());
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  co_await asio::async_write(stream_, rest, token);
  co_return !ec;
}

// A close with unread bytes becomes a reset that can overtake the answer: so say that we are done, and read a while.
template <class Stream>
asio::awaitable<void> Connection<Stream>::close_gracefully() {
  if (control_.timed_out || state_->stopped || !socket().is_open()) co_return;
  enter(Phase::closing, linger_time);
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  if constexpr (is_tls) {
    co_await stream_.async_shutdown(token);
    if (control_.timed_out) co_return;
  }
  socket().shutdown(Plain::shutdown_send, ec);
  if (ec || !linger_) co_return;
  if (buffer_.capacity() < read_bytes) buffer_.reserve(read_bytes);
  buffer_.clear();
  const auto space = buffer_.prepare(buffer_.capacity());
  for (std::size_t total = 0; total < linger_bytes_max && !control_.timed_out;) {
    const std::size_t count = co_await socket().async_read_some(space, token);
    if (ec) break;
    total += count;
  }
}

asio::awaitable<void> serve_plain(std::shared_ptr<ServerState> state, Plain socket) {
  error_code ec;
  socket.non_blocking(true, ec);
  Connection<Plain> connection(state, std::move(socket));
  co_await connection.run();
}

asio::awaitable<void> serve_tls(std::shared_ptr<ServerState> state, Plain socket) {
  const auto context = state->tls;  // Lifetime: a reload swaps the server's, this connection keeps its own
  Tls stream(std::move(socket), *context);
  Connection<Tls> connection(state, std::move(stream));
  co_await connection.run();
}

}  // namespace chatrelay::http
