// The command line with its streams in memory, and a daemon's admin port (a real server over an Api) for it to talk to.
#pragma once

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "admin/cli/cli.hpp"
#include "unit/admin/api_fixture.hpp"

namespace chatrelay::admin::test {

struct CliFixture : ApiFixture {
  struct Ran {
    int code = 0;
    std::string out, err;
  };

  std::filesystem::path folder;
  std::map<std::string, std::string> variables;
  std::string typed;  // what a person types
  bool on_a_terminal = false;
  std::size_t width = 0;
  cli::Hooks hooks;
  std::unique_ptr<http::Server> server;
  std::thread thread;

  void SetUp() override {
    std::string name = (std::filesystem::path(testing::TempDir()) / "chatrelay-admin-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
  void TearDown() override {
    if (thread.joinable()) {
      boost::asio::post(io, [this] { io.stop(); });
      thread.join();
    }
    server.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::string write(const std::string& name, const std::string& content) {
    const auto path = folder / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
    return path.string();
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Ran chatrelay(const std::vector<std::string>& arguments) {
    std::istringstream in(typed);
    std::ostringstream out, err;
    cli::Terminal terminal{in,
                           out,
                           err,
                           on_a_terminal,
                           on_a_terminal,
                           width,
                           [this](const std::string& name) -> std::optional<std::string> {
                             const auto found = variables.find(name);
                             return found == variables.end() ? std::nullopt : std::optional(found->second);
                           },
                           clock};
    const int code = cli::run(arguments, hooks, terminal);
    return {code, out.str(), err.str()};
  }

  // Starts the admin port and leads the commands to it.
  void start_daemon() {
    http::ServerOptions options;
    options.name = "admin";
    options.endpoint = {boost::asio::ip::make_address("127.0.0.1"), 0};
    options.hosts_allowed = {"127.0.0.1", "localhost"};
    auto created = http::Server::create(
        io.get_executor(), options, [this](http::Request& request) { return api().handle(request); }, metrics);
    ASSERT_TRUE(created) << created.error().message;
    server = std::move(*created);
    server->start();
    variables["CHATRELAY_ADMIN"] = "127.0.0.1:" + std::to_string(server->local_endpoint().port());
    thread = std::thread([this] { io.run(); });
  }
};

}  // namespace chatrelay::admin::test
