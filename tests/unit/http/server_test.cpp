#include "http/server.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "http/server_state.hpp"
#include "support.hpp"

namespace chatrelay::http {
namespace {

namespace asio = boost::asio;
using test::Loop;
using test::Raw;

class Serving : public testing::Test {
 protected:
  Serving() { limits_short(); }
  ~Serving() override {
    if (server) loop.on_loop([this] { server.reset(); });
    loop.stop();
  }
  void limits_short() {
    options.endpoint = {asio::ip::make_address("127.0.0.1"), 0};
    options.limits.body_bytes_max = 1000;
    options.limits.headers_max = 20;
    options.limits.header_bytes_max = 2000;
  }
  void start() {
    start([this](Request& request) { return echo(request); });
  }
  void start(Handler handler) {
    auto made = Server::create(loop.context.get_executor(), options, std::move(handler), metrics);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    server = std::move(*made);
    loop.on_loop([this] { server->start(); });
    port = server->local_endpoint().port();
  }
  asio::awaitable<Response> echo(Request& request) {
    ++handled;
    std::string text = std::string(request.method()) + " " + std::string(request.target()) + " " + request.remote +
                       " " + (request.secure ? "secure" : "plain") + " [" + request.message.body() + "]";
    Response response(200, std::move(text));
    if (request.path() == "/slow") {
      const auto executor = co_await asio::this_coro::executor;
      asio::steady_timer timer(executor, Millis{300});
      co_await timer.async_wait(asio::use_awaitable);
    }
    if (request.path() == "/headers")
      response.headers = {{"X-Good", "1"}, {"X-Bad", "a\r\nSet-Cookie: b"}, {"Content-Length", "7"}};
    if (request.path() == "/throws") throw std::runtime_error("oh");
    if (request.path() == "/204") response.status = 204;
    if (request.path() == "/extra") response.body += std::string(request.header("X-Trailer"));
    co_return response;
  }
  std::string ask(std::string_view text) {
    Raw raw(port);
    raw.send(text);
    return raw.rest();
  }
  std::size_t connections() {
    return loop.on_loop([this] { return server->connections(); });
  }
  // The server has the beginning of a head: it came in one piece with a request that is answered.
  void begin_head(Raw& raw) {
    raw.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\nPOST /begun HT");
    EXPECT_EQ(status(raw.answer()), 200);
  }
  // Asked on the loop's thread, until it holds or two seconds are over.
  bool until_seen(const std::function<bool()>& condition) {
    for (int i = 0; i < 400; ++i) {
      if (loop.on_loop(condition)) return true;
      ::usleep(5'000);
    }
    return false;
  }
  static int status(const std::string& answer) { return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0; }
  static std::string post(std::string_view body, std::string_view extra = {}) {
    return "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(extra) + "\r\n" + std::string(body);
  }

  Loop loop;
  Metrics metrics;
  ServerOptions options;
  std::unique_ptr<Server> server;
  unsigned short port = 0;
  std::atomic<int> handled{0};
};

TEST_F(Serving, AnswersAndKeepsTheConnection) {
  start();
  Raw raw(port);
  for (int i = 0; i < 3; ++i) {
    raw.send(post("body" + std::to_string(i)));
    const auto answer = raw.answer();
    EXPECT_EQ(status(answer), 200);
    EXPECT_NE(answer.find("POST /p 127.0.0.1 plain [body" + std::to_string(i) + "]"), std::string::npos) << answer;
    EXPECT_NE(answer.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos);
    EXPECT_NE(answer.find("Date: "), std::string::npos);
    EXPECT_EQ(answer.find("Server:"), std::string::npos);
    EXPECT_EQ(answer.find("Connection:"), std::string::npos);
  }
  EXPECT_EQ(metrics.counter("chatrelay_http_requests_total", "", {{"server", "public"}, {"status", "2xx"}}).value(),
            3u);
}

TEST_F(Serving, PipelinedRequestsAreAnsweredInOrder) {
  start();
  Raw raw(port);
  raw.send(post("one") + "\r\n" + post("two") + "GET /three HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(raw.answer().find("[one]"), std::string::npos);
  EXPECT_NE(raw.answer().find("[two]"), std::string::npos);
  EXPECT_NE(raw.answer().find("/three"), std::string::npos);
}

TEST_F(Serving, BytesThatComeOneByOneMakeTheSameRequest) {
  start();
  Raw raw(port);
  const auto request =
      "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n" +
      post("xyz");
  for (const char c : request) raw.send(std::string_view(&c, 1));
  EXPECT_NE(raw.answer().find("[abcdefg]"), std::string::npos);
  EXPECT_NE(raw.answer().find("[xyz]"), std::string::npos);
}

TEST_F(Serving, ConnectionsCloseWhenOneSideSaysSo) {
  start();
  auto answer = ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status(answer), 200);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  answer = ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(status(answer), 200);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  Raw raw(port);
  raw.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(raw.answer().find("Connection: keep-alive\r\n"), std::string::npos);
  raw.send("GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(status(raw.answer()), 200);
}

TEST_F(Serving, HeadAnd204HaveNoBody) {
  start();
  Raw raw(port);
  raw.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto head = raw.answer(false);
  EXPECT_NE(head.find("Content-Length: "), std::string::npos);
  const auto none = raw.answer();
  EXPECT_EQ(status(none), 204);
  EXPECT_EQ(none.find("Content-Length"), std::string::npos);
  EXPECT_EQ(status(raw.answer()), 200);
}

TEST_F(Serving, RequestSmugglingIsRefused) {
  start();
  struct Row {
    const char* headers;
    int status;
  };
  for (const auto& row : {
           Row{"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
           Row{"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
           Row{"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", 400},
           Row{"Content-Length: 5\r\nContent-Length: 6\r\n", 400},
           Row{"Content-Length: 5\r\nContent-Length: 5\r\n", 400},
           Row{"Content-Length: 5, 5\r\n", 400},
           Row{"Content-Length: +5\r\n", 400},
           Row{"Content-Length: -5\r\n", 400},
           Row{"Content-Length: 0x5\r\n", 400},
           Row{"Content-Length: 5 5\r\n", 400},
           Row{"Content-Length: 99999999999999999999999\r\n", 400},
           Row{"Content-Length : 5\r\n", 400},
           Row{"Content-Length:\r\n", 400},
           Row{"Transfer-Encoding: gzip\r\n", 501},
           Row{"Transfer-Encoding: gzip, chunked\r\n", 501},
           Row{"Transfer-Encoding: chunked, identity\r\n", 501},
           Row{"Transfer-Encoding: xchunked\r\n", 501},
           Row{"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 400},
           Row{"Transfer-Encoding : chunked\r\n", 400},
           Row{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
           Row{"X: a\nY: b\r\n", 400},
           Row{"Bad Name: x\r\n", 400},
           Row{": x\r\n", 400},
           Row{"Host: other\r\n", 400},
           Row{"Expect: something\r\n", 417},
       }) {
    const auto answer = ask("POST /p HTTP/1.1\r\nHost: h\r\n" + std::string(row.headers) +
                            "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status(answer), row.status) << row.headers << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << row.headers;
    EXPECT_EQ(answer.find("smuggled"), std::string::npos) << row.headers;
  }
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(status(ask("POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")), 400);
}

TEST_F(Serving, MalformedRequestsAreRefused) {
  start();
  for (const char* text :
       {"nonsense\r\n\r\n", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x01hello hello", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\nHost: h\n\n", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n"}) {
    EXPECT_EQ(status(ask(text)), 400) << text;
  }
  EXPECT_EQ(handled, 0);
}

TEST_F(Serving, TooMuchIsRefusedAndTheSenderSeesIt) {
  start();
  EXPECT_EQ(status(ask(post(std::string(1001, 'x')))), 413);
  EXPECT_EQ(status(ask(post(std::string(1000, 'x'), "Connection: close\r\n"))), 200);
  // Much more than the kernel's buffers hold: without lingering the answer would be lost in a reset.
  EXPECT_EQ(status(ask(post(std::string(3'000'000, 'x')))), 413);
  EXPECT_EQ(
      status(ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'))),
      413);
  std::string many;
  for (int i = 0; i < 20; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(status(ask("GET / HTTP/1.1\r\nHost: h\r\n" + many + "\r\n")), 431);
  EXPECT_EQ(status(ask("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x') + "\r\n\r\n")), 431);
  EXPECT_EQ(status(ask("GET /" + std::string(2000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n")), 431);
  EXPECT_EQ(status(ask("GET /" + std::string(1500, 'x') + " HTTP/1.1\r\nHost: h\r\nX: " + std::string(1500, 'x') +
                       "\r\n\r\n")),
            431);
  // Nor may what comes with a chunked body grow for ever.
  const auto chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status(ask(chunked + std::string("0\r\nX: ") + std::string(9000, 'x'))), 431);
  EXPECT_EQ(status(ask(chunked + std::string("3;") + std::string(9000, 'x'))), 431);
  EXPECT_EQ(handled, 1);
}

TEST_F(Serving, TrailersAreDropped) {
  options.trusted_proxies = {"127.0.0.1"};
  start();
  Raw raw(port);
  raw.send(
      "POST /extra HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Trailer: "
      "evil\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
  const auto answer = raw.answer();
  EXPECT_EQ(status(answer), 200);
  EXPECT_EQ(answer.find("evil"), std::string::npos);
  EXPECT_NE(answer.find("/extra 127.0.0.1"), std::string::npos) << answer;
}

TEST_F(Serving, ExpectContinueIsAnsweredOnlyWhenTheBodyIsWanted) {
  start();
  Raw raw(port);
  raw.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(raw.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  raw.send("abc");
  EXPECT_NE(raw.answer().find("[abc]"), std::string::npos);
  EXPECT_EQ(status(ask("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n")), 413);
}

TEST_F(Serving, SlowSendersAreCutOffByAbsoluteTime) {
  options.limits.head_timeout = Millis{150};
  options.limits.body_timeout = Millis{150};
  start();
  const auto drip = [&](std::string text, const std::string& byte) {
    Raw raw(port);
    raw.send(text);
    const auto began = std::chrono::steady_clock::now();
    for (;;) {  // a byte now and then keeps a per-byte limit happy for ever
      pollfd wait{raw.fd, POLLIN, 0};
      if (::poll(&wait, 1, 20) > 0) break;
      if (std::chrono::steady_clock::now() - began > std::chrono::seconds(4)) return std::string("never cut off");
      raw.send(byte);
    }
    return raw.rest();
  };
  EXPECT_EQ(status(drip("GET / HTTP/1.1\r\nX: ", "x")), 408);
  EXPECT_EQ(status(drip("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n", "x")), 408);
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(metrics.counter("chatrelay_http_timeouts_total", "", {{"server", "public"}, {"phase", "head"}}).value(),
            1u);
  EXPECT_EQ(metrics.counter("chatrelay_http_timeouts_total", "", {{"server", "public"}, {"phase", "body"}}).value(),
            1u);
}

TEST_F(Serving, IdleAndSilentConnectionsAreClosedWithoutAWord) {
  options.limits.idle_timeout = Millis{80};
  options.limits.head_timeout = Millis{120};
  start();
  Raw silent(port);
  EXPECT_TRUE(silent.ended());
  Raw idle(port);
  idle.send(post("x"));
  EXPECT_EQ(status(idle.answer()), 200);
  EXPECT_TRUE(idle.ended());
}

TEST_F(Serving, ReaderThatDoesNotReadIsCutOff) {
  options.limits.write_timeout = Millis{150};
  start([](Request&) -> asio::awaitable<Response> { co_return Response(200, std::string(30'000'000, 'x')); });
  Raw raw(port);
  raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto becomes = [&](std::size_t wanted) {
    for (int i = 0; i < 500 && loop.on_loop([&] { return server->connections(); }) != wanted; ++i) ::usleep(10'000);
  };
  becomes(1);  // it has to be taken before it can be cut
  becomes(0);
  EXPECT_EQ(loop.on_loop([&] { return server->connections(); }), 0u);
  EXPECT_LT(raw.rest().size(), 30'000'000u);
}

TEST_F(Serving, ConnectionsOverTheLimitGet503) {
  options.limits.connections_max = 2;
  options.limits.waiting_kept = Millis{3'600'000};
  start();
  Raw a(port), b(port);
  a.send(post("a"));
  b.send(post("b"));
  EXPECT_EQ(status(a.answer()), 200);
  EXPECT_EQ(status(b.answer()), 200);
  Raw c(port);
  EXPECT_EQ(status(c.rest()), 503);
  a.close();
  for (int i = 0; i < 200 && loop.on_loop([&] { return server->connections(); }) > 1; ++i) ::usleep(5'000);
  Raw d(port);
  d.send(post("d"));
  EXPECT_EQ(status(d.answer()), 200);
}

TEST_F(Serving, WhoWaitsLongestMakesRoom) {
  options.limits.connections_max = 3;
  options.limits.waiting_kept = Millis{0};
  start();
  Raw begun(port);  // a head that does not go on is closed only after those that say nothing
  begin_head(begun);
  Raw used(port);
  used.send(post("used"));
  EXPECT_EQ(status(used.answer()), 200);
  Raw silent(port);
  for (int i = 0; i < 400 && connections() < 3; ++i) ::usleep(5'000);
  ASSERT_EQ(connections(), 3u);

  Raw first(port);
  EXPECT_TRUE(used.ended()) << "idle for longest";
  first.send(post("first"));
  EXPECT_EQ(status(first.answer()), 200);
  Raw second(port);
  EXPECT_TRUE(silent.ended()) << "before the one that was served just now";
  second.send(post("second"));
  EXPECT_EQ(status(second.answer()), 200);
  first.send(post("again"));
  EXPECT_EQ(status(first.answer()), 200) << "nobody else was closed";
  begun.send("TP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_NE(begun.answer().find("/begun"), std::string::npos);
  EXPECT_EQ(connections(), 3u);
  EXPECT_EQ(metrics.counter("chatrelay_http_connections_closed_for_others_total", "", {{"server", "public"}}).value(),
            2u);
}

TEST_F(Serving, HeadsThatDoNotGoOnMakeRoomToo) {
  options.limits.connections_max = 2;
  options.limits.waiting_kept = Millis{0};
  start();
  Raw a(port), b(port);
  begin_head(a);
  begin_head(b);
  Raw c(port);
  EXPECT_EQ(a.rest(), "") << "not a word: a 408 could block";
  c.send(post("c"));
  EXPECT_EQ(status(c.answer()), 200);
}

TEST_F(Serving, WhatIsUnderWayMakesNoRoom) {
  options.limits.connections_max = 2;
  options.limits.waiting_kept = Millis{0};
  start();
  Raw slow(port), body(port);
  slow.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  body.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(status(body.until("\r\n\r\n")), 100);
  ASSERT_TRUE(until_seen([&] { return handled == 1; }));
  Raw third(port);
  EXPECT_EQ(status(third.rest()), 503);
  body.send("body");
  EXPECT_NE(body.answer().find("[body]"), std::string::npos);
  EXPECT_EQ(status(slow.answer()), 200);
}

TEST_F(Serving, OneAddressHasAQuarterOfTheConnections) {
  options.limits.connections_max = 80;
  start();
  std::vector<std::unique_ptr<Raw>> held;
  for (int i = 0; i < 20; ++i) {
    held.push_back(std::make_unique<Raw>(port));
    held.back()->send(post("x"));
    ASSERT_EQ(status(held.back()->answer()), 200);
  }
  EXPECT_EQ(status(Raw(port).rest()), 503);
  held.pop_back();
  ASSERT_TRUE(until_seen([&] { return server->connections() == 19; }));
  Raw again(port);
  again.send(post("again"));
  EXPECT_EQ(status(again.answer()), 200);
}

TEST_F(Serving, ATrustedProxyMayHaveAllConnections) {
  options.limits.connections_max = 20;
  options.trusted_proxies = {"127.0.0.1"};
  start();
  std::vector<std::unique_ptr<Raw>> held;
  for (int i = 0; i < 20; ++i) {
    held.push_back(std::make_unique<Raw>(port));
    held.back()->send(post("x", "X-Forwarded-For: 203.0.113.9\r\n"));
    ASSERT_EQ(status(held.back()->answer()), 200);
  }
}

TEST(ConnectionTableTest, ANetworkOfV6CountsAsOneAddress) {
  asio::io_context context;
  asio::ip::tcp::socket socket(context);
  ConnectionTable table;
  ConnectionControl a(socket), b(socket), c(socket);
  const auto address = [](const char* text) { return asio::ip::make_address(text); };
  table.add(a, address("2001:db8:0:1::1"), true);
  table.add(b, address("2001:db8:0:1:ffff::2"), true);
  table.add(c, address("2001:db8:0:1::3"), false);
  EXPECT_EQ(table.of(address("2001:db8:0:1::4")), 2u);
  EXPECT_EQ(table.of(address("2001:db8:0:2::1")), 0u);
  EXPECT_EQ(table.size(), 3u);
  table.remove(a);
  table.remove(b);
  EXPECT_EQ(table.of(address("2001:db8:0:1::4")), 0u);
  table.remove(c);
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(Serving, HandlersCannotBreakTheHead) {
  start();
  Raw raw(port);
  raw.send("GET /headers HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto answer = raw.answer();
  EXPECT_NE(answer.find("X-Good: 1\r\n"), std::string::npos);
  EXPECT_EQ(answer.find("X-Bad"), std::string::npos);
  EXPECT_EQ(answer.find("Set-Cookie"), std::string::npos);
  EXPECT_EQ(answer.find("Content-Length: 7\r\n"), std::string::npos);
  EXPECT_EQ(status(ask("GET /throws HTTP/1.1\r\nHost: h\r\n\r\n")), 500);
}

TEST_F(Serving, AnyMethodAndAnyTargetReachTheHandler) {
  start();
  for (const char* line :
       {"PROPFIND /x", "FOO-BAR /y", "OPTIONS *", "GET http://h/abs?q=1", "GET /%zz", "DELETE /a//b/../c"}) {
    EXPECT_NE(ask(std::string(line) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").find(line),
              std::string::npos)
        << line;
  }
}

TEST_F(Serving, ForwardedHeadersCountOnlyFromTrustedProxies) {
  start();
  const std::string forwarded =
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: "
      "9.9.9.9\r\nX-Forwarded-Proto: https\r\n\r\n";
  EXPECT_NE(ask(forwarded).find(" 127.0.0.1 plain"), std::string::npos);
  loop.on_loop([this] { server.reset(); });
  options.trusted_proxies = {"127.0.0.0/8"};
  start();
  EXPECT_NE(ask(forwarded).find(" 9.9.9.9 secure"), std::string::npos);
}

TEST_F(Serving, OnlyAllowedHostsAreServed) {
  options.hosts_allowed = {"localhost", "127.0.0.1", "::1"};
  start();
  const auto with_host = [&](const std::string& host) {
    return status(ask("GET / HTTP/1.1\r\nConnection: close\r\nHost: " + host + "\r\n\r\n"));
  };
  for (const char* host : {"localhost", "LOCALHOST:8081", "127.0.0.1:8081", "[::1]:8081", "localhost."})
    EXPECT_EQ(with_host(host), 200) << host;
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "localhost@evil", "[::1"})
    EXPECT_EQ(with_host(host), 403) << host;
  EXPECT_EQ(status(ask("GET / HTTP/1.0\r\n\r\n")), 403);
}

TEST_F(Serving, StreamsAreChunkedAndEnd) {
  start([](Request&) -> asio::awaitable<Response> {
    Response response(200, "first", "text/plain");
    auto count = std::make_shared<int>(0);
    response.stream = [count]() -> asio::awaitable<std::string> {
      co_return ++*count <= 2 ? "chunk" + std::to_string(*count) : std::string();
    };
    co_return response;
  });
  Raw raw(port);
  raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto head = raw.until("\r\n\r\n");
  EXPECT_NE(head.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(raw.until("0\r\n\r\n"), "5\r\nfirst\r\n6\r\nchunk1\r\n6\r\nchunk2\r\n0\r\n\r\n");
  raw.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.0\r\n\r\n");  // the connection is kept
  EXPECT_EQ(status(raw.until("\r\n\r\n")), 200);
  EXPECT_TRUE(raw.rest().ends_with("\r\n\r\nfirstchunk1chunk2"));
}

TEST_F(Serving, StreamEndsWhenItsReaderGoesAndWhenTheServerDrains) {
  std::atomic<int> ended{0};
  start([&ended](Request&) -> asio::awaitable<Response> {
    Response response(200);
    response.stream = [&ended]() -> asio::awaitable<std::string> {
      struct Count {
        explicit Count(std::atomic<int>& c) : counter(c) {}
        ~Count() { ++counter; }
        std::atomic<int>& counter;
      };
      const Count count(ended);
      asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
      co_await timer.async_wait(asio::use_awaitable);
      co_return "never";
    };
    co_return response;
  });
  {
    Raw raw(port);
    raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    raw.until("\r\n\r\n");
  }
  for (int i = 0; i < 400 && ended < 1; ++i) ::usleep(5'000);
  EXPECT_EQ(ended, 1);
  Raw raw(port);
  raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  raw.until("\r\n\r\n");
  auto drain = server->drain(Millis{3000});
  EXPECT_TRUE(loop.run(std::move(drain)));
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(raw.rest(), "");
}

TEST_F(Serving, DrainFinishesWhatIsUnderWayAndCutsWhatIsIdle) {
  start();
  Raw idle(port), busy(port);
  idle.send(post("x"));
  idle.answer();
  busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  while (handled < 2) ::usleep(1'000);
  auto drain = server->drain(Millis{4000});
  auto done = loop.begin(std::move(drain));
  EXPECT_TRUE(idle.ended());
  const auto answer = busy.answer();
  EXPECT_EQ(status(answer), 200);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  busy.close();
  EXPECT_TRUE(done.get());
  EXPECT_THROW(Raw(port).send("x"), std::runtime_error);
}

TEST_F(Serving, DrainCutsWhatDoesNotEndInTime) {
  start([](Request&) -> asio::awaitable<Response> {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(asio::use_awaitable);
    co_return Response(200);
  });
  Raw raw(port);
  raw.send(post("x"));
  while (loop.on_loop([&] { return server->connections(); }) == 0) ::usleep(1'000);
  ::usleep(20'000);  // so that the request is in its handler; were it not, drain would end in time and the test fail
  auto drain = server->drain(Millis{100});
  EXPECT_FALSE(loop.run(std::move(drain)));
  EXPECT_EQ(raw.rest(), "");
  EXPECT_EQ(loop.on_loop([&] { return server->connections(); }), 0u);
}

TEST_F(Serving, InheritedSocketIsUsedAndNotClosedByADrain) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in on{};
  on.sin_family = AF_INET;
  on.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&on), sizeof on), 0);
  ASSERT_EQ(::listen(fd, 10), 0);
  options.inherited_socket = fd;
  start();
  EXPECT_EQ(status(ask(post("x", "Connection: close\r\n"))), 200);
  auto drain = server->drain(Millis{1000});
  EXPECT_TRUE(loop.run(std::move(drain)));
  Raw waits(port);  // connects: the next process will accept it
  EXPECT_TRUE(waits.send("x"));
}

TEST_F(Serving, ItsOwnRefusalsAreBareWhereSendersShowThem) {
  options.bare_refusals = {"/hooks/"};
  start();
  const auto refused = [&](const std::string& path) {
    return ask("POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'));
  };
  const std::string bare = refused("/hooks/lhc/secret");
  EXPECT_EQ(status(bare), 413);
  EXPECT_NE(bare.find("Content-Length: 0\r\n"), std::string::npos) << bare;
  EXPECT_TRUE(bare.ends_with("\r\n\r\n")) << bare;
  EXPECT_TRUE(refused("/p").ends_with("the body is too large\n"));
  const std::string strange = ask("PUT /hooks/lhc HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  EXPECT_EQ(status(strange), 400);
  EXPECT_TRUE(strange.ends_with("\r\n\r\n")) << strange;
  const std::string large = ask("POST /hooks/lhc HTTP/1.1\r\nHost: h\r\nX: " + std::string(3000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status(large), 431);
  EXPECT_TRUE(large.ends_with("\r\n\r\n")) << large;
  const std::string unread = ask("nonsense\r\n\r\n");
  EXPECT_EQ(status(unread), 400);
  EXPECT_TRUE(unread.ends_with("\r\n\r\n")) << "whose it is could not be read: " << unread;
}

TEST_F(Serving, AHandlerThatThrowsIsBareThereToo) {
  options.bare_refusals = {"/throws"};
  start();
  const std::string answer = ask("GET /throws HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status(answer), 500);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(Serving, LargeBodiesHaveALimitTogether) {
  options.limits.body_bytes_max = 400'000;
  options.limits.bodies_bytes_max = 150'000;
  start();
  Raw raw(port);
  for (int i = 0; i < 3; ++i) {  // what was handled is not held any more
    raw.send(post(std::string(140'000, 'x')));
    EXPECT_EQ(status(raw.answer()), 200);
  }
  Raw large(port);
  large.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n" + std::string(200'000, 'x'));
  const auto refused = large.rest();
  EXPECT_EQ(status(refused), 503);
  EXPECT_NE(refused.find("Retry-After: "), std::string::npos);

  options.limits.bodies_bytes_max = 0;  // all is taken: a usual one is received nevertheless
  loop.on_loop([this] { server->set_limits(options.limits); });
  raw.send(post(std::string(10'000, 'x')));
  EXPECT_EQ(status(raw.answer()), 200);
}

TEST_F(Serving, ConnectionsNeverTakeAllDescriptors) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  low.rlim_cur = 40;
  ::setrlimit(RLIMIT_NOFILE, &low);
  const ServerLimits limits = ServerState(loop.context.get_executor(), options, {}, metrics).limits;
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(limits.connections_max, 20u);
}

TEST_F(Serving, AcceptingGoesOnAfterRunningOutOfDescriptors) {
  start();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  Raw first(port);  // opened before the limit falls
  first.send(post("x"));
  EXPECT_EQ(status(first.answer()), 200);
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(::dup(0));
  ::close(static_cast<int>(low.rlim_cur));  // the lowest free number: now no descriptor can be made
  ::setrlimit(RLIMIT_NOFILE, &low);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  ::usleep(50'000);  // the server meets EMFILE meanwhile; if it does not, the test is only weaker
  ::setrlimit(RLIMIT_NOFILE, &before);
  Raw raw(client);
  raw.send(post("late"));
  EXPECT_NE(raw.answer().find("[late]"), std::string::npos);
}

TEST_F(Serving, BadStartsAreErrorsThatNameWhatIsWrong) {
  start();
  ServerOptions second = options;
  second.endpoint.port(port);
  const auto taken = Server::create(
      loop.context.get_executor(), second, [](Request&) -> asio::awaitable<Response> { co_return Response(200); },
      metrics);
  ASSERT_TRUE(taken.has_error());
  EXPECT_NE(taken.error().message.find(std::to_string(port)), std::string::npos);
  second = options;
  second.trusted_proxies = {"nonsense"};
  EXPECT_TRUE(Server::create(loop.context.get_executor(), second, {}, metrics).has_error());
  second = options;
  second.certificate_file = "/nowhere/cert.pem";
  const auto tls = Server::create(loop.context.get_executor(), second, {}, metrics);
  ASSERT_TRUE(tls.has_error());
  EXPECT_NE(tls.error().message.find("/nowhere/cert.pem"), std::string::npos);
}

TEST_F(Serving, ServerMayGoWhileConnectionsAreOpen) {
  start();
  Raw a(port), b(port);
  a.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  while (handled < 1) ::usleep(1'000);
  loop.on_loop([this] { server.reset(); });
  EXPECT_EQ(a.rest(), "");
}

TEST_F(Serving, LoopMayGoWhileConnectionsAreOpen) {
  start();
  Raw a(port), b(port);
  a.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  while (handled < 1) ::usleep(1'000);
  loop.on_loop([this] {
    server.reset();
    loop.context.stop();
  });
}

}  // namespace
}  // namespace chatrelay::http
