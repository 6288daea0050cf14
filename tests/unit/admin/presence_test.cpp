// Presence on the operator's API and on the command line, over a Board of its own.
#include "admin/api/presence.hpp"

#include <future>
#include <sstream>
#include <thread>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "admin/cli/shell.hpp"
#include "common/json.hpp"

namespace chatrelay::admin {
namespace {

namespace json = boost::json;

presence::Settings settings_of(const std::string& yaml) {
  config::Problems problems;
  const auto root = config::Document::parse(yaml, "a.yaml", problems, config::Environment::process());
  presence::Settings settings = presence::read_settings(root["presence"]);
  EXPECT_EQ(problems.to_string(), "");
  return settings;
}

constexpr const char* people =
    "presence: {users: [{id: 1, agent: jo@example.com, name: Jo, departments: [4]}, {id: 2, username: \"1\"}]}";

struct PresenceApi : testing::Test {
  ManualClock clock{*parse_rfc3339("2026-11-20T10:00:00Z")};
  presence::Board board{settings_of(people), clock};

  json::value set(json::object body, int status = 200) {
    api::Fields fields(std::move(body));
    const http::Response response = api::presence_set(board, fields);
    EXPECT_EQ(response.status, status) << response.body;
    return json::parse(response.body);
  }
};

TEST_F(PresenceApi, SetsSomebodyADepartmentOrEverything) {
  EXPECT_EQ(json::serialize(set({{"state", "online"}, {"user", "JO@example.com"}})),
            R"({"what":"user","id":1,"state":"online","online":true})");
  EXPECT_TRUE(board.user_online(1));
  EXPECT_EQ(json::serialize(set({{"state", "offline"}, {"department", 4}})),
            R"({"what":"department","id":4,"state":"offline","online":false})");
  EXPECT_FALSE(board.online());
  EXPECT_EQ(json::serialize(set({{"state", "online"}})), R"({"what":"all","id":null,"state":"online","online":true})");
  EXPECT_EQ(json::serialize(set({{"state", "auto"}})), R"({"what":"all","id":null,"state":"auto","online":false})");
  set({{"state", "auto"}, {"department", "4"}});
  EXPECT_TRUE(board.online());
}

TEST_F(PresenceApi, AUsernameWinsOverANumber) {
  EXPECT_EQ(set({{"state", "online"}, {"user", "1"}}).at("id"), 2);
  EXPECT_EQ(set({{"state", "online"}, {"user", 2}}).at("id"), 2);
  EXPECT_FALSE(board.user_online(1));
}

TEST_F(PresenceApi, RefusesWhatItCannotDo) {
  set({}, 400);
  set({{"state", "away"}}, 400);
  set({{"state", "online"}, {"user", ""}}, 400);
  set({{"state", "online"}, {"users", "1"}}, 400);
  set({{"state", "online"}, {"department", "four"}}, 400);
  set({{"state", "online"}, {"department", 0}}, 400);
  set({{"state", "online"}, {"department", 4}, {"user", "jo@example.com"}}, 400);
  set({{"state", "online"}, {"user", "nobody"}}, 404);
  set({{"state", "online"}, {"user", 7}}, 404);
  set({{"state", "online"}, {"department", 5}}, 404);
  EXPECT_FALSE(board.online());
  board.configure(presence::Settings{});
  set({{"state", "online"}}, 409);
}

TEST_F(PresenceApi, ShowsTheBoardAndTakesNoFields) {
  api::Fields none{json::object{}};
  EXPECT_EQ(json::parse(api::presence_shown(board, none).body), json::value(board.show()));
  api::Fields some{json::object{{"user", "1"}}};
  EXPECT_EQ(api::presence_shown(board, some).status, 400);
}

// The commands, and an admin port that serves nothing but presence.
struct PresenceCommand : PresenceApi {
  boost::asio::io_context io;
  Metrics metrics;
  std::unique_ptr<http::Server> server;
  std::thread thread;
  std::string out, err;

  void SetUp() override {
    http::ServerOptions options;
    options.name = "admin";
    options.endpoint = {boost::asio::ip::make_address("127.0.0.1"), 0};
    auto created = http::Server::create(
        io.get_executor(), options, [this](http::Request& request) { return answer(request); }, metrics);
    ASSERT_TRUE(created) << created.error().message;
    server = std::move(*created);
    server->start();
    thread = std::thread([this] { io.run(); });
  }
  void TearDown() override {
    boost::asio::post(io, [this] { io.stop(); });
    if (thread.joinable()) thread.join();
    server.reset();
  }
  boost::asio::awaitable<http::Response> answer(http::Request& request) {
    http::Response response(404, "{}", "application/json");
    if (request.path() == "/api/presence" && request.method() == "GET") {
      api::Fields fields = api::Fields::of_query(request.query());
      response = api::presence_shown(board, fields);
    } else if (request.path() == "/api/presence" && request.method() == "POST") {
      api::Fields fields(json::parse(request.message.body()).as_object());
      response = api::presence_set(board, fields);
    }
    co_return response;
  }
  // The exit code; what was printed is in `out`.
  int chatrelay(const std::string& line) {
    std::istringstream in;
    std::ostringstream said, complained;
    const std::string port = "127.0.0.1:" + std::to_string(server->local_endpoint().port());
    cli::Terminal terminal{in,   said, complained, false, false, 0, [](const std::string&) { return std::nullopt; },
                           clock};
    const cli::Hooks hooks;
    cli::Shell shell(terminal, hooks);
    shell.admin_option = port;
    CLI::App app;
    cli::add_presence(app, shell);
    int code = 0;
    try {
      app.parse(line);
      code = shell.action();
    } catch (const cli::Failure& failure) {
      complained << failure.what();
      code = failure.code;
    } catch (const CLI::ParseError&) {
      code = cli::exit_code::usage;
    }
    out = said.str();
    err = complained.str();
    return code;
  }
};

TEST_F(PresenceCommand, SetsInBothOrders) {
  EXPECT_EQ(chatrelay("presence set online --user jo@example.com"), 0) << err;
  EXPECT_EQ(out, "user 1 is online, by hand\n");
  EXPECT_TRUE(board.user_online(1));
  EXPECT_EQ(chatrelay("presence set jo@example.com offline"), 0) << err;
  EXPECT_EQ(out, "user 1 is offline, by hand\n");
  EXPECT_EQ(chatrelay("presence set jo@example.com auto"), 0) << err;
  EXPECT_EQ(out, "user 1 is offline\n");
  EXPECT_EQ(chatrelay("presence set online --department 4"), 0) << err;
  EXPECT_EQ(out, "department 4 is online, by hand\n");
  EXPECT_EQ(chatrelay("presence set offline"), 0) << err;
  EXPECT_EQ(out, "all is offline, by hand\n");
  EXPECT_FALSE(board.online());
}

TEST_F(PresenceCommand, SaysWhatIsWrong) {
  EXPECT_EQ(chatrelay("presence set away"), cli::exit_code::usage);
  EXPECT_EQ(chatrelay("presence set"), cli::exit_code::usage);
  EXPECT_EQ(chatrelay("presence set jo@example.com online --user kim"), cli::exit_code::usage);
  EXPECT_EQ(chatrelay("presence set online --user 1 --department 4"), cli::exit_code::usage);
  EXPECT_EQ(chatrelay("presence set online --user nobody"), cli::exit_code::data);
  EXPECT_NE(err.find("presence has no user nobody"), std::string::npos) << err;
}

TEST_F(PresenceCommand, ShowsWhoIsOnline) {
  board.on_routing_status("jo@example.com", "accepting_chats");
  EXPECT_EQ(chatrelay("presence show"), 0) << err;
  EXPECT_TRUE(out.starts_with("all: online (people)\n")) << out;
  for (const char* part : {"Jo", "jo@example.com", "routing status", "accepting_chats", "DEPARTMENT", "people"})
    EXPECT_NE(out.find(part), std::string::npos) << part << out;
  EXPECT_EQ(chatrelay("presence show --json"), 0) << err;
  EXPECT_EQ(json::parse(out), json::value(board.show()));
  board.configure(presence::Settings{});
  EXPECT_EQ(chatrelay("presence show"), 0);
  EXPECT_EQ(out, "the configuration has no presence\n");
}

}  // namespace
}  // namespace chatrelay::admin
