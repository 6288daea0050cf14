// What POST /hooks/<source> adds for a source that scripts on websites send to.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "ingest/browsers.hpp"
#include "unit/ingest/fakes.hpp"

namespace chatrelay::ingest {
namespace {

namespace asio = boost::asio;

class BrowserSource final : public systems::Source {
 public:
  systems::Verdict admit(const systems::HookRequest& request, WallTime) override {
    systems::Verdict verdict;
    if (rules.allows(request.header_value("Origin")))
      verdict.accepted.emplace().keep = false;
    else
      verdict.rejected = systems::Rejected{403, systems::RejectReason::forbidden_origin, "not this website"};
    return verdict;
  }
  std::vector<Event> decode(const systems::StoredWebhook&) override { return {}; }
  Signed sign(std::string body, WallTime) const override { return {"", std::move(body), {}}; }
  const systems::BrowserRules* browser_rules() const override { return &rules; }

  systems::BrowserRules rules{{"https://shop.example"}, Rate{3, std::chrono::minutes(1)}};
};

class HooksBrowserTest : public testing::Test {
 protected:
  HooksBrowserTest() {
    std::map<std::string, ConfiguredSource> all;
    ConfiguredSource shop;
    shop.config.name = "shop";
    shop.source = std::make_unique<BrowserSource>();
    all.emplace("shop", std::move(shop));
    ConfiguredSource other;
    other.config.name = "other";
    other.source = std::make_unique<test::ScriptedSource>(false);
    all.emplace("other", std::move(other));
    hooks.set_sources(std::move(all));
  }
  http::Response send(const std::string& method, const std::string& origin, const std::string& remote = "192.0.2.7",
                      const std::string& path = "/hooks/shop") {
    http::Request request;
    request.message.method_string(method);
    request.message.target(path);
    if (!origin.empty()) request.message.set("Origin", origin);
    if (method == "OPTIONS") request.message.set("Access-Control-Request-Method", "POST");
    request.remote = remote;
    std::optional<http::Response> got;
    asio::co_spawn(context, serve(request, got), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
    context.restart();
    context.poll();
    EXPECT_TRUE(got);
    return got ? std::move(*got) : http::Response(0);
  }
  asio::awaitable<void> serve(http::Request& request, std::optional<http::Response>& got) {
    asio::awaitable<http::Response> answer = hooks.handle(request);
    http::Response response = co_await std::move(answer);
    got.emplace(std::move(response));
  }
  static std::string header(const http::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "-";
  }

  ManualClock clock{from_ms(1'800'000'000'000)};
  Metrics metrics;
  test::ScriptedStore store;
  asio::io_context context;
  Hooks hooks{context.get_executor(), store, clock, metrics};
};

TEST_F(HooksBrowserTest, a_script_of_a_configured_website_may_read_the_answer) {
  const http::Response welcome = send("POST", "https://shop.example");
  EXPECT_EQ(welcome.status, 200);
  EXPECT_EQ(header(welcome, "Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(header(welcome, "Access-Control-Allow-Credentials"), "-");
  EXPECT_EQ(header(welcome, "Vary"), "Origin");
  const http::Response foreign = send("POST", "https://evil.example");
  EXPECT_EQ(foreign.status, 403);
  EXPECT_EQ(header(foreign, "Access-Control-Allow-Origin"), "-");
  EXPECT_EQ(header(foreign, "Vary"), "Origin");
}

TEST_F(HooksBrowserTest, answers_a_preflight) {
  const http::Response yes = send("OPTIONS", "https://shop.example");
  EXPECT_EQ(yes.status, 204);
  EXPECT_EQ(header(yes, "Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(header(yes, "Access-Control-Allow-Headers"), "Content-Type");
  EXPECT_EQ(header(yes, "Access-Control-Allow-Origin"), "https://shop.example");
  const http::Response no = send("OPTIONS", "https://evil.example");
  EXPECT_EQ(no.status, 403);
  EXPECT_EQ(header(no, "Access-Control-Allow-Methods"), "-");
  EXPECT_EQ(send("GET", "https://shop.example").status, 405);
}

TEST_F(HooksBrowserTest, an_address_sends_no_more_than_the_source_allows) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send("POST", "https://shop.example").status, 200);
  const http::Response refused = send("POST", "https://shop.example");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "60");
  EXPECT_EQ(header(refused, "Access-Control-Allow-Origin"), "https://shop.example") << "the script must see it";
  EXPECT_EQ(send("POST", "https://shop.example", "192.0.2.8").status, 200);
  for (int i = 0; i < 3; ++i) send("POST", "https://shop.example", "2001:db8::" + std::to_string(i + 1));
  EXPECT_EQ(send("POST", "https://shop.example", "2001:db8::99").status, 429) << "one network of IPv6";
  clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(send("POST", "https://shop.example").status, 200);
}

TEST_F(HooksBrowserTest, other_sources_know_nothing_of_it) {
  const http::Response response = send("OPTIONS", "https://shop.example", "192.0.2.7", "/hooks/other");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(header(response, "Vary"), "-");
}

}  // namespace
}  // namespace chatrelay::ingest
