#include "admin/cli/http_call.hpp"

#include <array>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "common/digits.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using asio::ip::tcp;

constexpr std::uint64_t answer_bytes_max = 64u << 20;
using Piece = std::function<bool(std::string_view)>;

std::optional<asio::ip::address> address_of(const std::string& host) {
  boost::system::error_code failed;
  const auto address = asio::ip::make_address(host, failed);
  return failed ? std::nullopt : std::optional(address);
}

bool is_loopback(const std::string& host) {
  const auto address = address_of(host);
  return address ? address->is_loopback() : iequals_ascii(host, "localhost");
}

beast_http::request<beast_http::string_body> request_of(const Endpoint& endpoint, const HttpCall& call) {
  beast_http::request<beast_http::string_body> request;
  request.method_string(call.method);
  request.target(call.target);
  request.version(11);
  request.set(beast_http::field::host, endpoint.to_string());
  request.set(beast_http::field::user_agent, "chatrelay-cli");
  request.set(beast_http::field::connection, "close");
  for (const auto& [name, value] : call.headers) request.set(name, value);
  request.body() = call.body;
  request.prepare_payload();
  return request;
}

// Reads the answer piece by piece; a stream hands the pieces on, everything else is collected.
template <class Stream>
asio::awaitable<HttpAnswer> read_answer(Stream& stream, const HttpCall& call, const Piece& piece) {
  beast::flat_buffer buffer;
  beast_http::response_parser<beast_http::buffer_body> parser;
  parser.body_limit(piece ? std::uint64_t{1} << 62 : answer_bytes_max);
  beast::get_lowest_layer(stream).expires_after(call.timeout);
  co_await beast_http::async_read_header(stream, buffer, parser, asio::use_awaitable);
  HttpAnswer answer;
  answer.status = parser.get().result_int();
  const bool streams = piece && answer.status == 200;
  std::array<char, 8192> chunk;
  while (!parser.is_done()) {
    parser.get().body().data = chunk.data();
    parser.get().body().size = chunk.size();
    beast::get_lowest_layer(stream).expires_after(call.timeout);
    boost::system::error_code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    co_await beast_http::async_read_some(stream, buffer, parser, token);
    if (failed && failed != beast_http::error::need_buffer) throw boost::system::system_error(failed);
    const std::string_view bytes(chunk.data(), chunk.size() - parser.get().body().size);
    if (!streams)
      answer.body += bytes;
    else if (!bytes.empty() && !piece(bytes))
      break;
  }
  co_return answer;
}

struct Progress {
  bool connected = false;
  std::optional<HttpAnswer> answer;
};

asio::awaitable<void> exchange(const Endpoint& endpoint, const HttpCall& call, const Piece& piece, Progress& progress) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  const std::string port = std::to_string(endpoint.port);
  const auto addresses = co_await resolver.async_resolve(endpoint.host, port, asio::use_awaitable);
  auto request = request_of(endpoint, call);
  if (!endpoint.tls) {
    beast::tcp_stream stream(executor);
    stream.expires_after(call.connect_timeout);
    co_await stream.async_connect(addresses, asio::use_awaitable);
    progress.connected = true;
    stream.expires_after(call.timeout);
    co_await beast_http::async_write(stream, request, asio::use_awaitable);
    progress.answer = co_await read_answer(stream, call, piece);
    co_return;
  }
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.set_default_verify_paths();
  beast::ssl_stream<beast::tcp_stream> stream(executor, tls);
  if (!is_loopback(endpoint.host)) {  // the daemon's certificate names its public host, not 127.0.0.1
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification(endpoint.host));
  }
  if (!address_of(endpoint.host)) SSL_set_tlsext_host_name(stream.native_handle(), endpoint.host.c_str());
  beast::get_lowest_layer(stream).expires_after(call.connect_timeout);
  co_await beast::get_lowest_layer(stream).async_connect(addresses, asio::use_awaitable);
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  progress.connected = true;
  beast::get_lowest_layer(stream).expires_after(call.timeout);
  co_await beast_http::async_write(stream, request, asio::use_awaitable);
  progress.answer = co_await read_answer(stream, call, piece);
}

Result<HttpAnswer> perform(const Endpoint& endpoint, const HttpCall& call, const Piece& piece) {
  asio::io_context context;
  Progress progress;
  std::exception_ptr thrown;
  asio::co_spawn(context, exchange(endpoint, call, piece, progress), [&](std::exception_ptr e) { thrown = e; });
  context.run();
  if (progress.answer) return std::move(*progress.answer);
  std::string reason = "unknown";
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& error) {
    reason = error.code() == beast::error::timeout ? "no answer in time" : error.code().message();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  if (!progress.connected) return unavailable(reason);
  return Error(ErrorKind::internal, "the connection ended without a complete answer: " + reason);
}

}  // namespace

std::string Endpoint::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<HttpAnswer> http_call(const Endpoint& endpoint, const HttpCall& call) {
  return perform(endpoint, call, {});
}

Result<HttpAnswer> http_stream(const Endpoint& endpoint, const HttpCall& call, const Piece& piece) {
  return perform(endpoint, call, piece);
}

Result<Endpoint> parse_endpoint(std::string_view url, std::string& rest) {
  Endpoint endpoint;
  std::string_view left = url;
  bool has_scheme = false;
  if (const std::size_t scheme = left.find("://"); scheme != std::string_view::npos) {
    const std::string name = to_lower_ascii(left.substr(0, scheme));
    if (name != "http" && name != "https")
      return invalid("\"" + std::string(url) + "\" must begin with http:// or https://");
    endpoint.tls = name == "https";
    has_scheme = true;
    left.remove_prefix(scheme + 3);
  }
  const std::size_t slash = left.find_first_of("/?");
  rest = slash == std::string_view::npos ? std::string{} : std::string(left.substr(slash));
  left = left.substr(0, slash);
  std::string_view port;
  if (!left.empty() && left.front() == '[') {
    const std::size_t close = left.find(']');
    if (close == std::string_view::npos) return invalid("\"" + std::string(url) + "\" has no closing ]");
    endpoint.host = left.substr(1, close - 1);
    port = left.substr(close + 1);
    if (!port.empty() && port.front() == ':') port.remove_prefix(1);
  } else {
    const std::size_t colon = left.rfind(':');
    endpoint.host = left.substr(0, colon);
    if (colon != std::string_view::npos) port = left.substr(colon + 1);
  }
  if (endpoint.host.empty()) endpoint.host = "127.0.0.1";
  if (port.empty() && has_scheme) {
    endpoint.port = endpoint.tls ? 443 : 80;
    return endpoint;
  }
  endpoint.port = whole_number<decltype(endpoint.port)>(port).value_or(0);
  if (endpoint.port == 0) return invalid("\"" + std::string(url) + "\" needs a port: HOST:PORT");
  return endpoint;
}

}  // namespace chatrelay::admin::cli
