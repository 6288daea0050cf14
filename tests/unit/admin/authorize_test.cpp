#include "admin/api/authorize.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <gmock/gmock.h>

#include "admin/cli/authorize.hpp"
#include "admin/cli/code_listener.hpp"
#include "admin/cli/http_call.hpp"
#include "unit/admin/cli_fixture.hpp"

using namespace chatrelay;
using namespace chatrelay::admin;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

using boost::asio::awaitable;

// ---- the address and the code

TEST(CodeGrantAddress, LoopbackOnly) {
  const auto usual = cli::loopback_address("http://localhost:8976/callback");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->host, "localhost");
  EXPECT_EQ(usual->port, 8976);
  EXPECT_EQ(usual->path, "/callback");
  EXPECT_EQ(cli::loopback_address("http://127.0.0.1")->port, 80);
  EXPECT_EQ(cli::loopback_address("http://127.0.0.1")->path, "/");
  EXPECT_TRUE(cli::loopback_address("http://[::1]:1/x"));
  for (const char* elsewhere : {"https://localhost:1/x", "http://localhost.example.com/", "http://example.com/",
                                "http://127.0.0.2/", "urn:ietf:wg:oauth:2.0:oob", "http://localhost@example.com/", ""})
    EXPECT_FALSE(cli::loopback_address(elsewhere)) << elsewhere;
}

TEST(CodeGrantAddress, ACodeIsFoundInWhatWasPasted) {
  EXPECT_EQ(*cli::code_of("http://localhost:8976/callback?code=4%2F0A&state=S", "S"), "4/0A");
  EXPECT_EQ(*cli::code_of("  https://x.example/cb?state=S&code=abc&scope=a+b#_=_ \n", "S"), "abc");
  EXPECT_EQ(*cli::code_of("code=abc&state=S", "S"), "abc");
  EXPECT_EQ(*cli::code_of("4/0AbCd==", "S"), "4/0AbCd==");
}

TEST(CodeGrantAddress, WhatIsNoAnswerToUsIsRefused) {
  for (const char* wrong : {"", "   ", "http://localhost/callback", "http://localhost/callback?code=a",
                            "http://localhost/callback?code=a&state=T", "http://localhost/callback?state=S",
                            "http://localhost/callback?code=&state=S", "http://localhost/callback?code=%zz&state=S"})
    EXPECT_EQ(cli::code_of(wrong, "S").error().kind, ErrorKind::invalid) << wrong;
  const auto denied =
      cli::code_of("http://localhost/callback?error=access_denied&error_description=no%0Away&state=S", "S");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, ErrorKind::unauthorized);
  EXPECT_THAT(denied.error().message, HasSubstr("access_denied"));
  EXPECT_THAT(denied.error().message, Not(HasSubstr("\n")));
}

// ---- the listener

int browse(std::uint16_t port, const std::string& target, const std::string& method = "GET") {
  cli::HttpCall call;
  call.method = method;
  call.target = target;
  const auto answer = cli::http_call({"127.0.0.1", port, false}, call);
  return answer ? answer->status : 0;
}

TEST(CodeListener, EndsWithTheAnswerThatCarriesTheState) {
  auto listener = cli::CodeListener::open({"127.0.0.1", 0, "/callback"});
  ASSERT_TRUE(listener) << listener.error().message;
  const std::uint16_t port = (*listener)->port();
  std::vector<int> statuses;
  std::thread browser([&] {
    statuses.push_back(browse(port, "/favicon.ico"));
    statuses.push_back(browse(port, "/callback?code=evil&state=guessed"));
    statuses.push_back(browse(port, "/callback"));
    statuses.push_back(browse(port, "/callback?code=a&state=STATE", "POST"));
    statuses.push_back(browse(port, "/callback?code=good&state=STATE"));
  });
  const auto code = (*listener)->wait("STATE", Millis{60'000});
  browser.join();
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(*code, "good");
  EXPECT_EQ(statuses, (std::vector<int>{404, 400, 400, 404, 200}));
}

TEST(CodeListener, TellsThatThePersonOrTheServiceSaidNo) {
  auto listener = cli::CodeListener::open({"127.0.0.1", 0, "/callback"});
  ASSERT_TRUE(listener);
  std::thread browser([port = (*listener)->port()] { browse(port, "/callback?error=access_denied&state=STATE"); });
  const auto code = (*listener)->wait("STATE", Millis{60'000});
  browser.join();
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().kind, ErrorKind::unauthorized);
}

TEST(CodeListener, DoesNotWaitForEver) {
  auto listener = cli::CodeListener::open({"127.0.0.1", 0, "/callback"});
  ASSERT_TRUE(listener);
  const auto code = (*listener)->wait("STATE", Millis{1});
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().kind, ErrorKind::unavailable);
}

TEST(CodeListener, SaysThatAPortIsTaken) {
  auto first = cli::CodeListener::open({"127.0.0.1", 0, "/"});
  ASSERT_TRUE(first);
  const auto second = cli::CodeListener::open({"127.0.0.1", (*first)->port(), "/"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
}

// ---- the API and the verb

struct AuthorizeTest : test::CliFixture {
  std::string redirect_uri, state, code;
  std::optional<Error> refuses;
  std::function<void()> when_begun;
  Authorization authorization{[this](std::string name, std::string uri) -> Result<destinations::CodeGrant> {
                                if (name != "crm") return not_found("there is no destination " + name);
                                redirect_uri = uri;
                                if (when_begun) when_begun();
                                return destinations::CodeGrant("https://accounts.example.com/auth?state=STATE",
                                                               "STATE");
                              },
                              [this](std::string, std::string s, std::string c) -> awaitable<Result<json::object>> {
                                state = s;
                                code = c;
                                if (refuses) co_return *refuses;
                                co_return json::object{{"scope", "read"}, {"expires_in", 3600}};
                              }};
  Context the_context = with_authorization(context());
  Context with_authorization(Context context_made) {
    context_made.authorization = authorization;
    return context_made;
  }

  http::Response begin(const json::object& body) {
    api::Fields fields{body};
    return api::authorization_begun(the_context, "crm", fields);
  }
  http::Response finish(const json::object& body) {
    api::Fields fields{body};
    return run(api::authorization_finished(the_context, "crm", fields));
  }

  // A daemon that knows these two requests.
  void start_daemon() {
    http::ServerOptions options;
    options.endpoint = {boost::asio::ip::make_address("127.0.0.1"), 0};
    auto created = http::Server::create(
        io.get_executor(), options, [this](http::Request& request) { return serve(request); }, metrics);
    ASSERT_TRUE(created) << created.error().message;
    server = std::move(*created);
    server->start();
    variables["CHATRELAY_ADMIN"] = "127.0.0.1:" + std::to_string(server->local_endpoint().port());
    thread = std::thread([this] { io.run(); });
  }
  awaitable<http::Response> serve(http::Request& request) {
    api::Fields fields{parse_json(request.message.body())->as_object()};
    if (request.path() == "/api/destinations/crm/authorize")
      co_return api::authorization_begun(the_context, "crm", fields);
    std::string name = "crm";
    http::Response response;
    if (request.path() == "/api/destinations/crm/authorize/finish")
      response = co_await api::authorization_finished(the_context, std::move(name), fields);
    else
      response = http::Response(404, R"({"error":"no such path"})", "application/json");
    co_return response;
  }

  Ran authorize(std::vector<std::string> arguments) {
    std::istringstream in(typed);
    std::ostringstream out, err;
    cli::Terminal terminal{in,
                           out,
                           err,
                           false,
                           false,
                           0,
                           [this](const std::string& name) -> std::optional<std::string> {
                             const auto found = variables.find(name);
                             return found == variables.end() ? std::nullopt : std::optional(found->second);
                           },
                           clock};
    cli::Shell shell(terminal, hooks);
    CLI::App app;
    cli::add_authorize(app, shell);
    arguments.insert(arguments.begin(), "authorize");
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
    int exit_code = 0;
    try {
      exit_code = shell.action();
    } catch (const cli::Failure& failure) {
      exit_code = failure.code;
      err << failure.what();
    }
    return {exit_code, out.str(), err.str()};
  }
};

TEST_F(AuthorizeTest, TheApiGivesAnAddress) {
  const auto begun = checked(begin({{"redirect_uri", "http://localhost:8976/callback"}}), 200);
  EXPECT_EQ(begun.at("address"), "https://accounts.example.com/auth?state=STATE");
  EXPECT_EQ(begun.at("state"), "STATE");
  EXPECT_EQ(redirect_uri, "http://localhost:8976/callback");
  EXPECT_EQ(begin({}).status, 400);
  EXPECT_EQ(begin({{"redirect_uri", "http://x"}, {"colour", "red"}}).status, 400);
}

TEST_F(AuthorizeTest, TheApiFinishesAndLetsGoOnWhatWasDisabled) {
  add_destination("crm");
  destinations[0].disabled = true;
  const auto done = checked(finish({{"state", "STATE"}, {"code", "code-1"}}), 200);
  EXPECT_EQ(done,
            (json::object{
                {"name", "crm"}, {"authorized", true}, {"scope", "read"}, {"expires_in", 3600}, {"resumed", true}}));
  EXPECT_EQ(switched, std::vector<std::string>{"resume crm"});
  EXPECT_EQ(state, "STATE");
  EXPECT_EQ(code, "code-1");
}

TEST_F(AuthorizeTest, WhatAnOperatorPausedStaysPaused) {
  add_destination("crm");
  destinations[0].disabled = true;
  destinations[0].paused = true;
  EXPECT_EQ(checked(finish({{"state", "STATE"}, {"code", "c"}}), 200).at("resumed"), false);
  EXPECT_TRUE(switched.empty());
}

TEST_F(AuthorizeTest, ARefusedCodeIsNotAboutTheAdminToken) {
  refuses = Error(ErrorKind::unauthorized, "token request: HTTP 400 invalid_grant");
  EXPECT_EQ(finish({{"state", "STATE"}, {"code", "c"}}).status, 409);
  refuses = not_found("no authorization was begun");
  EXPECT_EQ(finish({{"state", "STATE"}, {"code", "c"}}).status, 404);
  refuses = unavailable("later");
  EXPECT_EQ(finish({{"state", "STATE"}, {"code", "c"}}).status, 503);
  EXPECT_EQ(finish({{"state", "STATE"}}).status, 400);
  EXPECT_EQ(finish({{"code", "c"}}).status, 400);
}

TEST_F(AuthorizeTest, TheVerbTakesWhatIsPasted) {
  start_daemon();
  typed = "http://localhost:8976/callback?code=code-7&state=STATE\n";
  const Ran ran = authorize({"crm", "--paste"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("https://accounts.example.com/auth?state=STATE"));
  EXPECT_THAT(ran.out, HasSubstr("authorized crm"));
  EXPECT_THAT(ran.out, Not(HasSubstr("code-7")));
  EXPECT_EQ(code, "code-7");
}

TEST_F(AuthorizeTest, TheVerbPastesWhereTheAddressLeadsElsewhere) {
  start_daemon();
  typed = "code-8\n";
  const Ran ran = authorize({"crm", "--redirect", "https://example.com/oauth", "--json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(redirect_uri, "https://example.com/oauth");
  EXPECT_EQ(code, "code-8");
  EXPECT_TRUE(parse_json(ran.out)) << ran.out;
}

TEST_F(AuthorizeTest, TheVerbRefusesTheAnswerToSomethingElse) {
  start_daemon();
  typed = "http://localhost:8976/callback?code=evil&state=OTHER\n";
  const Ran ran = authorize({"crm", "--paste"});
  EXPECT_EQ(ran.code, 65);
  EXPECT_TRUE(code.empty());
}

TEST_F(AuthorizeTest, TheVerbListensForTheBrowser) {
  std::uint16_t port = 0;
  {
    auto free_one = cli::CodeListener::open({"127.0.0.1", 0, "/"});
    ASSERT_TRUE(free_one);
    port = (*free_one)->port();
  }
  std::thread browser;
  when_begun = [&] { browser = std::thread([port] { browse(port, "/callback?code=code-9&state=STATE"); }); };
  start_daemon();
  const Ran ran = authorize({"crm", "--redirect", "http://127.0.0.1:" + std::to_string(port) + "/callback"});
  if (browser.joinable()) browser.join();
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(code, "code-9");
}

TEST_F(AuthorizeTest, TheVerbSaysThatThereIsNoSuchDestination) {
  start_daemon();
  const Ran ran = authorize({"erp", "--paste"});
  EXPECT_EQ(ran.code, 65);
  EXPECT_TRUE(code.empty());
}

}  // namespace
