// One connection: reads a request, has it handled, writes the answer, again. The hot path. Inside the room only.
//
// Per request in the common case: one awaited read (the request's head and body come together), the handler, and one
// write that the kernel takes at once and that is therefore not awaited. Reads go through Beast's parser directly: its
// async_read awaits once per part. Lifetime: lives in its coroutine's frame.
#pragma once

#include <optional>

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include "http/head_check.hpp"
#include "http/server_state.hpp"

namespace chatrelay::http {

using Plain = boost::asio::ip::tcp::socket;
using Tls = boost::asio::ssl::stream<Plain>;

template <class Stream>
class Connection {
 public:
  Connection(std::shared_ptr<ServerState> state, Stream stream);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Until the connection is closed.
  boost::asio::awaitable<void> run();

 private:
  static constexpr bool is_tls = std::is_same_v<Stream, Tls>;
  enum class Got { request, refused, closed };

  Plain& socket();
  void enter(Phase phase, Millis limit);
  void enter(Phase phase, SteadyTime now, Millis limit);
  void enter_without_limit(Phase phase);
  void start_request();
  bool hold_body(std::size_t bytes);

  boost::asio::awaitable<bool> handshake();
  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Got> read_request();
  boost::asio::awaitable<bool> read_some();
  bool parse_available();
  void on_head();
  void finish_request();
  std::string joined_field(std::string_view name) const;

  boost::asio::awaitable<Response> handled();
  boost::asio::awaitable<bool> answer(Response& response);
  boost::asio::awaitable<bool> answer_stream(Response& response, bool chunked);
  boost::asio::awaitable<bool> refuse(HeadVerdict verdict);
  std::string words_for(beast::string_view target, std::string_view why) const;  // empty for a bare refusal
  boost::asio::awaitable<bool> write(std::string_view bytes);
  boost::asio::awaitable<void> until_gone(boost::asio::steady_timer& wake);
  boost::asio::awaitable<void> close_gracefully();

  std::shared_ptr<ServerState> state_;
  Stream stream_;
  ConnectionControl control_;
  boost::asio::ip::address peer_;
  std::string peer_text_;
  bool trusted_ = false;

  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  Head head_without_trailers_;
  HeadVerdict verdict_;
  std::size_t head_bytes_ = 0;
  std::size_t body_held_ = 0;  // our part of ServerState::bodies_bytes
  bool head_done_ = false;
  bool continue_sent_ = false;
  bool keep_alive_ = true;
  bool linger_ = false;
  Request request_;
  std::string out_;
};

}  // namespace chatrelay::http
