// chatrelay sink: a local inspector that prints what it receives, to try rules without the outside.
#include <ostream>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "admin/cli/listing.hpp"
#include "admin/cli/sink_view.hpp"
#include "common/units.hpp"
#include "http/server.hpp"

namespace chatrelay::admin::cli {
namespace {

namespace asio = boost::asio;

struct Options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8089;
  int status = 200;
  std::string delay;
  std::string body;
  std::string secret;
  std::size_t count = 0;  // ends after so many; 0: never
};

class Sink {
 public:
  Sink(Shell& shell, const Options& options, Millis delay)
      : shell_(shell), options_(options), delay_(delay), signals_(context_, SIGINT, SIGTERM) {}

  int run() {
    boost::system::error_code failed;
    http::ServerOptions server_options;
    server_options.name = "sink";
    server_options.endpoint = {asio::ip::make_address(options_.address, failed), options_.port};
    if (failed)
      throw Failure(exit_code::usage, "--address is \"" + clean(options_.address) + "\"; it must be an IP address");
    server_options.limits.body_bytes_max = 64 << 20;  // an inspector shows what comes, attachments too
    auto server = http::Server::create(
        context_.get_executor(), server_options, [this](http::Request& request) { return handle(request); }, metrics_);
    if (!server) throw Failure(exit_code::io, server.error().message);
    server_ = std::move(*server);
    server_->start();
    const auto local = server_->local_endpoint();
    shell_.out() << "listening on http://" << local << "\n" << std::flush;
    signals_.async_wait([this](boost::system::error_code stopped, int) {
      if (!stopped) end();
    });
    context_.run();
    return exit_code::ok;
  }

 private:
  asio::awaitable<http::Response> handle(http::Request& request) {
    shell_.out() << describe_request(request, options_.secret, shell_.terminal.clock.now()) << std::flush;
    if (delay_ > Millis{0}) {
      asio::steady_timer timer(context_, delay_);
      constexpr auto token = asio::as_tuple(asio::use_awaitable);
      co_await timer.async_wait(token);
    }
    shell_.out() << "=> " << options_.status << "\n\n" << std::flush;
    if (options_.count != 0 && ++received_ >= options_.count) end();
    co_return http::Response(options_.status, options_.body, options_.body.empty() ? "" : "text/plain; charset=utf-8");
  }

  // The answer that is under way is still sent.
  void end() {
    if (std::exchange(ending_, true)) return;
    asio::co_spawn(context_, drain(), asio::detached);
  }
  asio::awaitable<void> drain() {
    constexpr Millis limit{2'000};
    co_await server_->drain(limit);
    signals_.cancel();
    context_.stop();
  }

  Shell& shell_;
  const Options& options_;
  Millis delay_;
  Metrics metrics_;
  asio::io_context context_{1};
  asio::signal_set signals_;
  std::unique_ptr<http::Server> server_;
  std::size_t received_ = 0;
  bool ending_ = false;
};

int sink(Shell& shell, const Options& options) {
  Millis delay{0};
  if (!options.delay.empty()) {
    const auto parsed = parse_duration(options.delay);
    if (!parsed) throw Failure(exit_code::usage, "--delay: " + parsed.error().message);
    delay = *parsed;
  }
  return Sink(shell, options, delay).run();
}

}  // namespace

void add_sink(CLI::App& app, Shell& shell) {
  CLI::App* verb =
      add_verb(app, "sink", "a local inspector that prints what it receives, to try rules without the outside",
               "  chatrelay sink                            a destination for it: {connector: webhook, url: "
               "\"http://127.0.0.1:8089/\", allow_private: true}\n"
               "  chatrelay sink --port 0 --status 503      any free port; see how deliveries are tried again\n"
               "  chatrelay sink --delay 45s                see a time-out\n"
               "  chatrelay sink --secret \"$HOOK_SECRET\"    says whether signatures are good");
  auto options = std::make_shared<Options>();
  verb->add_option("--port", options->port, "0: any free one (8089)")->capture_default_str();
  verb->add_option("--address", options->address, "IP address to listen on (127.0.0.1)");
  verb->add_option("--status", options->status, "status of the answers (200)")->check(CLI::Range(200, 599));
  verb->add_option("--delay", options->delay, "wait before answering: 500ms, 45s");
  verb->add_option("--body", options->body, "body of the answers");
  verb->add_option("--secret", options->secret, "verify signatures after Standard Webhooks with this secret");
  verb->add_option("--count", options->count, "end after so many requests");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return sink(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
