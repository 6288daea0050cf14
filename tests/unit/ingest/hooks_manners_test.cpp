// What POST /hooks/<source> does otherwise for a system whose senders choose the method and show answers to visitors.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "unit/ingest/fakes.hpp"

namespace chatrelay::ingest {
namespace {

namespace asio = boost::asio;

class ShownSource final : public systems::Source {
 public:
  systems::Verdict admit(const systems::HookRequest& request, WallTime now) override {
    return judge.admit(request, now);
  }
  std::vector<Event> decode(const systems::StoredWebhook&) override { return {}; }
  Signed sign(std::string body, WallTime) const override { return {"", std::move(body), {}}; }
  systems::HookManners hook_manners() const override { return {true, true}; }

  test::ScriptedSource judge{false};
};

class HooksMannersTest : public testing::Test {
 protected:
  HooksMannersTest() { configure(true); }
  void configure(bool with_shown) {
    std::map<std::string, ConfiguredSource> all;
    all["plain"].config.name = "plain";
    all["plain"].source = std::make_unique<test::ScriptedSource>(false);
    if (with_shown) {
      all["shown"].config.name = "shown";
      all["shown"].config.body_bytes_max = 100;
      all["shown"].source = std::make_unique<ShownSource>();
    }
    hooks.set_sources(std::move(all));
    store.answer_at_once = store::Appended{};
  }
  http::Response send(const std::string& method, const std::string& path, const std::string& body) {
    http::Request request;
    request.message.method_string(method);
    request.message.target(path);
    request.message.body() = body;
    request.remote = "192.0.2.7";
    std::optional<http::Response> got;
    asio::co_spawn(context, serve(request, got), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
    context.restart();
    context.poll();
    EXPECT_TRUE(got) << method << path << body;
    return got ? std::move(*got) : http::Response(0);
  }
  asio::awaitable<void> serve(http::Request& request, std::optional<http::Response>& got) {
    asio::awaitable<http::Response> answer = hooks.handle(request);
    http::Response response = co_await std::move(answer);
    got.emplace(std::move(response));
  }

  ManualClock clock{from_ms(1'800'000'000'000)};
  Metrics metrics;
  test::ScriptedStore store;
  asio::io_context context;
  Hooks hooks{context.get_executor(), store, clock, metrics};
};

TEST_F(HooksMannersTest, takes_what_an_administrator_over_there_chose) {
  for (const char* method : {"POST", "PUT", "DELETE"}) EXPECT_EQ(send(method, "/hooks/shown", "ok").status, 200);
  ASSERT_EQ(store.appended.size(), 3u);
  for (const store::NewEvent& event : store.appended) EXPECT_EQ(event.body, "ok");
  for (const char* method : {"GET", "HEAD", "PATCH", "OPTIONS", "TRACE"}) {
    const http::Response refused = send(method, "/hooks/shown", "ok");
    EXPECT_EQ(refused.status, 405) << method;
    EXPECT_EQ(refused.headers.at(0), (std::pair<std::string, std::string>{"Allow", "POST, PUT, DELETE"}));
  }
  for (const char* method : {"PUT", "DELETE"})
    EXPECT_EQ(send(method, "/hooks/plain", "ok").status, 405) << "others have no reason to";
}

TEST_F(HooksMannersTest, says_nothing_whatever_happens) {
  const auto is_bare = [&](int status, const http::Response& response) {
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, "") << status;
  };
  is_bare(200, send("POST", "/hooks/shown", "ok"));
  is_bare(202, send("POST", "/hooks/shown", "ignore"));
  is_bare(401, send("PUT", "/hooks/shown", "wrong"));
  is_bare(400, send("POST", "/hooks/shown", "not json"));
  is_bare(500, send("POST", "/hooks/shown", "throw"));
  is_bare(413, send("POST", "/hooks/shown", std::string(101, 'x')));
  is_bare(405, send("GET", "/hooks/shown", ""));
  is_bare(404, send("POST", "/hooks/shovn", "ok"));
  is_bare(404, send("POST", "/hooks/shown%zz", "ok"));
  store.answer_at_once = unavailable("disk full");
  is_bare(503, send("POST", "/hooks/shown", "ok"));
  store.load_now.oldest_waiting = Millis{60'000};
  is_bare(503, send("POST", "/hooks/shown", "ok"));
}

TEST_F(HooksMannersTest, others_are_told_why) {
  EXPECT_EQ(send("POST", "/hooks/plain", "not json").body, "not JSON at byte 0\n");
  EXPECT_EQ(send("POST", "/hooks/nobody", "ok").body, "") << "it may be a sender that shows it";
  configure(false);
  EXPECT_NE(send("POST", "/hooks/nobody", "ok").body, "");
}

}  // namespace
}  // namespace chatrelay::ingest
