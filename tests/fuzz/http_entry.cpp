// The public port: any bytes on a connection, through the real server and its limits, on a loopback socket.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "common/assert.hpp"
#include "http/server.hpp"

using namespace chatrelay;
namespace asio = boost::asio;

namespace {

struct World {
  asio::io_context context{1};
  Metrics metrics;
  std::unique_ptr<http::Server> server;
  World() {
    http::ServerOptions options;
    options.endpoint = {asio::ip::make_address("127.0.0.1"), 0};
    options.limits.body_bytes_max = 4096;
    options.limits.header_bytes_max = 4096;
    options.limits.headers_max = 20;
    options.trusted_proxies = {"127.0.0.1"};
    auto handler = [](http::Request& request) -> asio::awaitable<http::Response> {
      std::string echo(request.path());
      echo += request.remote;
      http::Response response(200, std::move(echo));
      co_return response;
    };
    auto made = http::Server::create(context.get_executor(), options, handler, metrics);
    CHATRELAY_ASSERT(made.has_value(), "the fuzzer's server could not listen");
    server = std::move(*made);
    server->start();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World* world = new World;  // lives as long as the process: a fuzzer never ends orderly
  asio::io_context& context = world->context;
  asio::ip::tcp::socket socket(context);
  boost::system::error_code ec;
  socket.connect(world->server->local_endpoint(), ec);
  if (ec) return 0;
  asio::write(socket, asio::buffer(data, size), ec);
  socket.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  std::string answer;
  bool ended = false;
  asio::async_read(socket, asio::dynamic_buffer(answer, 1 << 20),
                   [&](boost::system::error_code, std::size_t) { ended = true; });
  context.restart();
  while (!ended && context.run_one_for(std::chrono::seconds(10)) > 0) {
  }
  CHATRELAY_ASSERT(ended, "the server kept a connection whose sender had ended");
  CHATRELAY_ASSERT(answer.empty() || answer.starts_with("HTTP/1."), "an answer that is not HTTP");
  return 0;
}
