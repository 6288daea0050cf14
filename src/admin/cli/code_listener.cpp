#include "admin/cli/code_listener.hpp"

#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "common/secret.hpp"
#include "common/text.hpp"
#include "http/url.hpp"

namespace chatrelay::admin::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using tcp = asio::ip::tcp;

namespace {

constexpr std::size_t connections_max = 16;  // Limit: open at once; a browser needs one or two
constexpr std::uint32_t head_bytes_max = 16 << 10;
constexpr Millis request_limit{10'000};  // for one request and its answer
constexpr std::size_t query_values_max = 50;

// What a query says: a code, the service's refusal, or nothing that is meant for us.
Result<std::string> code_in_query(std::string_view query, std::string_view state) {
  const auto parameters = http::parse_query(query, query_values_max);
  if (!parameters) return invalid("the address cannot be read");
  if (!equal_constant_time(state, parameters->get("state")))
    return invalid("the answer does not belong to this authorization (another state)");
  if (const std::string_view error = parameters->get("error"); !error.empty()) {
    const std::string_view description = parameters->get("error_description");
    return Error(ErrorKind::unauthorized, "the service gave no code: " + printable(error, 100) +
                                              (description.empty() ? "" : ": " + printable(description, 300)));
  }
  const std::string_view code = parameters->get("code");
  if (code.empty()) return invalid("the answer holds no code");
  return std::string(code);
}

struct Page {
  beast_http::status status;
  std::string_view text;
};

// Fixed texts: nothing of a request comes back in an answer.
constexpr Page page_done{beast_http::status::ok, "chatrelay has the code. You can close this page."};
constexpr Page page_refused{beast_http::status::ok, "The access was not given. You can close this page."};
constexpr Page page_wrong{beast_http::status::bad_request, "This is not the answer that chatrelay waits for."};
constexpr Page page_missing{beast_http::status::not_found, "There is nothing here."};

}  // namespace

std::optional<LoopbackAddress> loopback_address(std::string_view redirect_uri) {
  const auto url = boost::urls::parse_uri(redirect_uri);
  if (url.has_error() || url->scheme_id() != boost::urls::scheme::http || url->has_userinfo()) return std::nullopt;
  LoopbackAddress address;
  address.host = to_lower_ascii(std::string_view(url->encoded_host().data(), url->encoded_host().size()));
  if (address.host != "localhost" && address.host != "127.0.0.1" && address.host != "[::1]") return std::nullopt;
  address.port = url->has_port() && !url->port().empty() ? url->port_number() : 80;
  address.path = std::string(url->encoded_path().data(), url->encoded_path().size());
  if (address.path.empty()) address.path = "/";
  return address;
}

Result<std::string> code_of(std::string_view pasted, std::string_view state) {
  std::string_view text = trim(pasted);
  if (const std::size_t fragment = text.find('#'); fragment != std::string_view::npos) text = text.substr(0, fragment);
  if (text.empty()) return invalid("nothing was pasted");
  if (const std::size_t question = text.find('?'); question != std::string_view::npos)
    return code_in_query(text.substr(question + 1), state);
  if (text.starts_with("code=") || text.find("&code=") != std::string_view::npos) return code_in_query(text, state);
  if (text.find("://") != std::string_view::npos) return invalid("the address holds no code");
  return std::string(text);
}

struct CodeListener::State {
  asio::io_context io{1};
  std::vector<tcp::acceptor> acceptors;
  std::string path, state;
  std::size_t connections = 0;
  std::optional<Result<std::string>> result;

  Page page_for(const beast_http::request<beast_http::empty_body>& request) {
    const std::string_view target(request.target().data(), request.target().size());
    const std::size_t question = target.find('?');
    if (request.method() != beast_http::verb::get || target.substr(0, question) != path) return page_missing;
    const std::string_view query =
        question == std::string_view::npos ? std::string_view{} : target.substr(question + 1);
    Result<std::string> code = code_in_query(query, state);
    const bool refused = !code && code.error().kind == ErrorKind::unauthorized;
    if (!code && !refused) return page_wrong;
    result.emplace(std::move(code));
    return refused ? page_refused : page_done;
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    beast::tcp_stream stream(std::move(socket));
    stream.expires_after(request_limit);
    beast::flat_buffer buffer(head_bytes_max);
    beast_http::request_parser<beast_http::empty_body> parser;
    parser.header_limit(head_bytes_max);
    const auto read = co_await beast_http::async_read_header(stream, buffer, parser, token);
    if (!std::get<0>(read)) {
      const Page page = page_for(parser.get());
      beast_http::response<beast_http::string_body> response(page.status, 11);
      response.set(beast_http::field::content_type, "text/plain; charset=utf-8");
      response.set(beast_http::field::cache_control, "no-store");
      response.set("Referrer-Policy", "no-referrer");
      response.set("X-Content-Type-Options", "nosniff");
      response.keep_alive(false);
      response.body() = std::string(page.text) + "\n";
      response.prepare_payload();
      co_await beast_http::async_write(stream, response, token);
      beast::error_code ignored;
      stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }
    --connections;
    if (result) io.stop();
  }

  asio::awaitable<void> accept(tcp::acceptor& acceptor) {
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    while (true) {
      auto accepted = co_await acceptor.async_accept(token);
      if (std::get<0>(accepted) == asio::error::operation_aborted) co_return;
      if (std::get<0>(accepted) || connections >= connections_max) continue;
      ++connections;
      asio::co_spawn(io, serve(std::move(std::get<1>(accepted))), asio::detached);
    }
  }

  Result<void> listen(const asio::ip::address& address, std::uint16_t port) {
    boost::system::error_code error;
    tcp::acceptor acceptor(io);
    const tcp::endpoint endpoint(address, port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return Error(ErrorKind::conflict,
                   "cannot listen on port " + std::to_string(port) + " of this machine: " + error.message());
    acceptors.push_back(std::move(acceptor));
    return {};
  }
};

CodeListener::CodeListener(std::unique_ptr<State> state) : state_(std::move(state)) {}
CodeListener::~CodeListener() = default;

Result<std::unique_ptr<CodeListener>> CodeListener::open(const LoopbackAddress& address) {
  auto state = std::make_unique<State>();
  state->path = address.path;
  const asio::ip::address v4 = asio::ip::address_v4::loopback();
  const asio::ip::address v6 = asio::ip::address_v6::loopback();
  if (const Result<void> listening = state->listen(address.host == "[::1]" ? v6 : v4, address.port); !listening)
    return listening.error();
  // A browser takes either address of this name; a machine without IPv6 has only one.
  if (address.host == "localhost" && address.port != 0) static_cast<void>(state->listen(v6, address.port));
  return std::unique_ptr<CodeListener>(new CodeListener(std::move(state)));
}

std::uint16_t CodeListener::port() const {
  return state_->acceptors.front().local_endpoint().port();
}

Result<std::string> CodeListener::wait(const std::string& state, Millis limit) {
  state_->state = state;
  for (tcp::acceptor& acceptor : state_->acceptors)
    asio::co_spawn(state_->io, state_->accept(acceptor), asio::detached);
  state_->io.run_for(limit);
  if (!state_->result) return unavailable("nobody came back from the service in time");
  return *state_->result;
}

}  // namespace chatrelay::admin::cli
