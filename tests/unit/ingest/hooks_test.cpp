#include "ingest/hooks.hpp"

#include <list>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "common/json.hpp"
#include "unit/ingest/fakes.hpp"

namespace chatrelay::ingest {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;

class HooksTest : public testing::Test {
 protected:
  HooksTest() { hooks.set_sources(sources()); }

  static std::map<std::string, ConfiguredSource> sources() {
    std::map<std::string, ConfiguredSource> all;
    ConfiguredSource open;
    open.config.name = "open";
    open.config.body_bytes_max = 100;
    open.source = std::make_unique<test::ScriptedSource>(false);
    all.emplace("open", std::move(open));
    ConfiguredSource secret;
    secret.config.name = "secret";
    secret.config.dedup_window = Millis{5'000};
    secret.source = std::make_unique<test::ScriptedSource>(true);
    all.emplace("secret", std::move(secret));
    return all;
  }

  struct Call {
    http::Request request;
    std::optional<http::Response> response;
  };

  // Starts a request and lets it run as far as it gets without the store.
  Call& send(const std::string& target, const std::string& body, beast_http::verb method = beast_http::verb::post) {
    Call& call = calls.emplace_back();
    call.request.message.method(method);
    call.request.message.target(target);
    call.request.message.body() = body;
    call.request.remote = "192.0.2.7";
    call.request.received = clock.steady();
    asio::co_spawn(context, serve(call), [](std::exception_ptr e) {
      if (e) std::rethrow_exception(e);
    });
    run();
    return call;
  }
  asio::awaitable<void> serve(Call& call) {
    asio::awaitable<http::Response> answer = hooks.handle(call.request);
    http::Response response = co_await std::move(answer);
    call.response.emplace(std::move(response));
  }
  void run() {
    context.restart();
    context.poll();
  }
  int status_of(const std::string& target, const std::string& body, beast_http::verb method = beast_http::verb::post) {
    const Call& call = send(target, body, method);
    return call.response ? call.response->status : 0;
  }
  static std::string header_of(const Call& call, const std::string& name) {
    for (const auto& [n, v] : call.response->headers)
      if (n == name) return v;
    return {};
  }
  static store::Appended appended(EventSeq seq, bool duplicate = false) {
    store::Appended a;
    a.seq = seq;
    a.duplicate = duplicate;
    return a;
  }
  std::uint64_t rejected(const std::string& source, const std::string& reason) {
    return metrics.counter("chatrelay_rejected_total", "", {{"source", source}, {"reason", reason}}).value();
  }

  std::list<Call> calls;
  ManualClock clock{from_ms(1'800'000'000'000)};
  Metrics metrics;
  test::ScriptedStore store;
  asio::io_context context;
  Hooks hooks{context.get_executor(), store, clock, metrics};
};

// Invariant 1.
TEST_F(HooksTest, NeverAnswers200BeforeTheStoreSaysSo) {
  Call& call = send("/hooks/open", "ok");
  ASSERT_EQ(store.appended.size(), 1u);
  for (int i = 0; i < 100; ++i) run();
  EXPECT_FALSE(call.response);
  store.answer(appended(1));
  EXPECT_FALSE(call.response) << "not on the writer's thread";
  run();
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status, 200);
  EXPECT_EQ(call.response->body, "");
  EXPECT_EQ(metrics.counter("chatrelay_received_total", "", {{"source", "open"}}).value(), 1u);
}

TEST_F(HooksTest, AnswersADuplicateWith200) {
  Call& call = send("/hooks/open", "ok");
  store.answer(appended(0, true));
  run();
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status, 200);
  EXPECT_EQ(metrics.counter("chatrelay_duplicates_total", "", {{"source", "open"}}).value(), 1u);
}

TEST_F(HooksTest, AnswersEveryRefusalWithItsStatus) {
  EXPECT_EQ(status_of("/hooks/nobody", "ok"), 404);
  EXPECT_EQ(status_of("/hooks/nobody", "ok", beast_http::verb::get), 404);
  EXPECT_EQ(status_of("/hooks/", "ok"), 404);
  EXPECT_EQ(status_of("/hooks/open/a/b", "ok"), 404);
  EXPECT_EQ(status_of("/hooks/chatrelay", "ok"), 404) << "our own events do not come from outside";
  EXPECT_EQ(status_of("/hooks/open%zz", "ok"), 404);
  EXPECT_EQ(status_of("/hooks/open", "", beast_http::verb::get), 405);
  EXPECT_EQ(header_of(calls.back(), "Allow"), "POST");
  EXPECT_EQ(status_of("/hooks/open", std::string(101, 'x')), 413);
  EXPECT_EQ(status_of("/hooks/open", "wrong"), 401);
  EXPECT_EQ(status_of("/hooks/secret", "ok"), 401);
  EXPECT_EQ(status_of("/hooks/secret/nope", "ok"), 401);
  EXPECT_EQ(status_of("/hooks/open", "not json"), 400);
  EXPECT_EQ(calls.back().response->body, "not JSON at byte 0\n");
  EXPECT_EQ(status_of("/hooks/open", "throw"), 500);
  EXPECT_TRUE(store.appended.empty()) << "nothing refused is stored";
  EXPECT_EQ(rejected("", "unknown_source"), 6u);
  EXPECT_EQ(rejected("open", "method"), 1u);
  EXPECT_EQ(rejected("open", "too_large"), 1u);
  EXPECT_EQ(rejected("secret", std::string(systems::to_string(systems::RejectReason::wrong_secret))), 2u);
}

TEST_F(HooksTest, TakesAPathSecretDecoded) {
  Call& call = send("/hooks/secret/s3%20cret?x=1", "ok");
  ASSERT_EQ(store.appended.size(), 1u);
  EXPECT_EQ(store.appended[0].dedup_window, Millis{5'000}) << "the configured window";
  store.answer(appended(1));
  run();
  EXPECT_EQ(call.response->status, 200);
}

TEST_F(HooksTest, KeepsKeysOfTwoSourcesApart) {
  send("/hooks/open", "ok");
  send("/hooks/secret/s3%20cret", "ok");
  ASSERT_EQ(store.appended.size(), 2u);
  ASSERT_TRUE(store.appended[0].dedup && store.appended[1].dedup);
  EXPECT_NE(*store.appended[0].dedup, *store.appended[1].dedup);
  EXPECT_EQ(store.appended[0].dedup_window, Millis{60'000});
  store.answer(appended(1));
  store.answer(appended(2));
  run();
}

TEST_F(HooksTest, AnswersWhatIsNotKeptWithoutTheStore) {
  const Call& call = send("/hooks/open", "ignore");
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status, 202);
  EXPECT_EQ(call.response->body, "seen");
  EXPECT_TRUE(store.appended.empty());
}

TEST_F(HooksTest, JoinsHeadersOfOneName) {
  Call& call = calls.emplace_back();
  call.request.message.method(beast_http::verb::post);
  call.request.message.target("/hooks/open");
  call.request.message.body() = "wrong";
  call.request.message.insert("X-Tag", "one");
  call.request.message.insert("x-tag", "two");
  asio::co_spawn(context, serve(call), [](std::exception_ptr) {});
  run();
  EXPECT_EQ(test::ScriptedSource::last_joined_header, "one, two");
}

TEST_F(HooksTest, AFailedCommitIs503AndNever200) {
  Call& call = send("/hooks/open", "ok");
  store.answer(unavailable("disk full"));
  run();
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status, 503);
  EXPECT_GE(std::stoi(header_of(call, "Retry-After")), 5);
  EXPECT_EQ(call.response->body.find("disk"), std::string::npos) << "a sender need not know why";
  EXPECT_EQ(rejected("open", "store"), 1u);
}

TEST_F(HooksTest, TellsThatTheStoreWasFullOnceItIsPossibleAgain) {
  for (int i = 0; i < 3; ++i) {
    send("/hooks/open", "ok");
    store.answer(unavailable("disk full"));
    run();
  }
  send("/hooks/open", "ok");
  store.answer(appended(1));
  run();
  ASSERT_EQ(store.appended.size(), 5u);
  EXPECT_EQ(store.appended[4].source, "chatrelay");
  const auto body = parse_json(store.appended[4].body);
  ASSERT_TRUE(body);
  EXPECT_EQ(string_at(*body, "type"), "store_full");
  EXPECT_EQ(int_at(*find(*body, "activity"), "refused"), 3);
  store.answer(appended(2));

  // Within the hour it is not told again; after it, with everything refused since.
  for (const int minutes : {10, 70}) {
    clock.advance(std::chrono::minutes(minutes));
    const std::size_t before = store.appended.size();
    send("/hooks/open", "ok");
    store.answer(unavailable("disk full"));
    run();
    send("/hooks/open", "ok");
    store.answer(appended(3));
    run();
    EXPECT_EQ(store.appended.size(), before + (minutes == 70 ? 3 : 2)) << minutes;
  }
  EXPECT_EQ(int_at(*find(*parse_json(store.appended.back().body), "activity"), "refused"), 2);
}

TEST_F(HooksTest, RefusesWhenTheCommitWouldComeTooLate) {
  store.load_now.oldest_waiting = Millis{4'000};
  store.load_now.recent_max = Millis{2'000};
  store.load_now.waiting = 3;
  const Call& call = send("/hooks/open", "ok");
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status, 503);
  EXPECT_GE(std::stoi(header_of(call, "Retry-After")), 6);
  EXPECT_TRUE(store.appended.empty()) << "not stored half";
  EXPECT_EQ(metrics.counter("chatrelay_ack_refused_total", "").value(), 1u);
  store.load_now = {};
  send("/hooks/open", "ok");
  EXPECT_EQ(store.appended.size(), 1u);
  store.answer(appended(1));
  run();
}

TEST_F(HooksTest, AReloadLeavesRequestsUnderWayAlone) {
  Call& call = send("/hooks/open", "ok");
  hooks.set_sources({});
  EXPECT_EQ(status_of("/hooks/open", "ok"), 404);
  store.answer(appended(1));
  run();
  ASSERT_TRUE(call.response);
  EXPECT_EQ(call.response->status, 200);
}

TEST_F(HooksTest, RemembersWhenASourceWasHeard) {
  EXPECT_FALSE(hooks.last_heard("open"));
  send("/hooks/open", "wrong");
  EXPECT_FALSE(hooks.last_heard("open")) << "only authentic ones count";
  send("/hooks/open", "ok");
  store.answer(appended(1));
  run();
  EXPECT_EQ(hooks.last_heard("open"), clock.steady());
  hooks.set_sources(sources());
  EXPECT_EQ(hooks.last_heard("open"), clock.steady());
}

TEST_F(HooksTest, MeasuresTheTimeTo200) {
  send("/hooks/open", "ok");
  clock.advance(Millis{40});
  store.answer(appended(1));
  run();
  EXPECT_NEAR(metrics.histogram("chatrelay_time_to_200_seconds", "", {}, {{"source", "open"}}).sum(), 0.04, 1e-9);
}

TEST_F(HooksTest, AGroupIsAnsweredTogetherAndInAnyNumber) {
  std::vector<Call*> group;
  for (int i = 0; i < 200; ++i) group.push_back(&send("/hooks/open", "ok"));
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) store.answer(appended(static_cast<EventSeq>(i + 1)));
  });
  writer.join();
  run();
  for (const Call* call : group) ASSERT_TRUE(call->response && call->response->status == 200);
  for (int i = 0; i < 10; ++i) {  // the pooled records serve again
    Call& call = send("/hooks/open", "ok");
    store.answer(appended(300));
    run();
    EXPECT_TRUE(call.response);
  }
}

TEST(HooksLifetime, ALateAnswerOfTheStoreFindsNobody) {
  ManualClock clock(from_ms(1));
  Metrics metrics;
  test::ScriptedStore store;
  http::Request request;
  request.message.method(beast_http::verb::post);
  request.message.target("/hooks/open");
  request.message.body() = "ok";
  bool answered = false;
  {
    asio::io_context context;
    Hooks hooks(context.get_executor(), store, clock, metrics);
    std::map<std::string, ConfiguredSource> all;
    all["open"].config.name = "open";
    all["open"].source = std::make_unique<test::ScriptedSource>(false);
    hooks.set_sources(std::move(all));
    const auto serve = [&]() -> asio::awaitable<void> {
      asio::awaitable<http::Response> answer = hooks.handle(request);
      const http::Response response = co_await std::move(answer);
      answered = response.status != 0;
    };
    asio::co_spawn(context, serve(), [](std::exception_ptr) {});
    context.poll();
    ASSERT_EQ(store.waiting.size(), 1u);
  }
  store.answer(store::Appended{});
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace chatrelay::ingest
