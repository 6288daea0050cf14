#include "http/client.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include "support.hpp"

namespace chatrelay::http {
namespace {

namespace asio = boost::asio;
using test::Raw;
using test::Scripted;

constexpr const char* ok_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\nok";

// Reads one request with Content-Length; empty when the connection ended.
std::string read_request(Raw& raw) {
  std::string text = raw.until("\r\n\r\n");
  const auto at = text.find("Content-Length: ");
  if (at != std::string::npos) text += raw.exactly(std::stoul(text.substr(at + 16)));
  return text;
}

class Sending : public testing::Test {
 protected:
  Sending() { make({}); }
  ~Sending() override {
    loop.on_loop([this] { client.reset(); });
    loop.stop();
  }
  void make(Client::Options options) {
    loop.on_loop([&] {
      client.reset();
      client = std::make_unique<Client>(loop.context.get_executor(), options);
    });
  }
  static ClientRequest request_to(unsigned short port, std::string path = "/p") {
    ClientRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(port) + path;
    request.body = "{}";
    request.allow_private = true;
    request.timeout = Millis{4000};
    return request;
  }
  ClientResponse send(const ClientRequest& request) { return begin(request).get(); }
  std::future<ClientResponse> begin(const ClientRequest& request) {
    auto work = client->send(request);
    return loop.begin(std::move(work));
  }
  test::Loop loop;
  std::unique_ptr<Client> client;
};

TEST_F(Sending, PostsOverAKeptConnection) {
  std::string seen;
  Scripted server([&](Raw& raw, int) {
    for (auto text = read_request(raw); !text.empty(); text = read_request(raw)) {
      seen = text;
      raw.send(ok_answer);
    }
  });
  for (int i = 0; i < 5; ++i) {
    auto request = request_to(server.port);
    request.headers = {{"X-Key", "v: w"}, {"X-Empty", ""}, {"Content-Type", "application/json"}};
    const auto answer = send(request);
    ASSERT_EQ(answer.progress, Progress::answered) << answer.error;
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "ok");
    ASSERT_NE(find_header(answer.headers, "x-one"), nullptr);
    EXPECT_EQ(*find_header(answer.headers, "x-one"), "1");
  }
  EXPECT_EQ(server.accepted, 1);
  EXPECT_TRUE(seen.starts_with("POST /p HTTP/1.1\r\n")) << seen;
  for (const char* part : {"X-Key: v: w\r\n", "X-Empty:\r\n", "Content-Type: application/json\r\n",
                           "User-Agent: chatrelay\r\n", "Content-Length: 2\r\n\r\n{}"}) {
    EXPECT_NE(seen.find(part), std::string::npos) << part << seen;
  }
  for (const char* part : {"Expect", "Accept-Encoding", "urlencoded"})
    EXPECT_EQ(seen.find(part), std::string::npos) << part;
  auto fresh = request_to(server.port);
  fresh.fresh_connection = true;
  EXPECT_EQ(send(fresh).status, 200);
  EXPECT_EQ(server.accepted, 2);
}

TEST_F(Sending, EveryMethodArrivesAsItIs) {
  std::string seen;
  Scripted server([&](Raw& raw, int) {
    seen = read_request(raw);
    raw.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  });
  struct Row {
    const char* method;
    const char* body;
    bool length;
  };
  for (const auto& row :
       {Row{"GET", "", false}, Row{"POST", "", true}, Row{"PUT", "x", true}, Row{"PATCH", "x", true},
        Row{"DELETE", "", false}, Row{"DELETE", "x", true}, Row{"HEAD", "", false}, Row{"REPORT", "x", true}}) {
    auto request = request_to(server.port);
    request.method = row.method;
    request.body = row.body;
    EXPECT_EQ(send(request).status, 204) << row.method;
    EXPECT_TRUE(seen.starts_with(std::string(row.method) + " /p HTTP/1.1\r\n")) << seen;
    EXPECT_EQ(seen.find("Content-Length: " + std::to_string(std::string_view(row.body).size())) != std::string::npos,
              row.length)
        << seen;
    EXPECT_TRUE(seen.ends_with("\r\n\r\n" + std::string(row.body))) << seen;
  }
}

TEST_F(Sending, WhatCannotBeSentIsRefusedBeforeConnecting) {
  Scripted server([](Raw& raw, int) { raw.rest(); });
  const auto refused = [&](std::function<void(ClientRequest&)> change) {
    auto request = request_to(server.port);
    change(request);
    const auto answer = send(request);
    EXPECT_EQ(answer.progress, Progress::not_sent);
    EXPECT_FALSE(answer.error.empty());
  };
  refused([](auto& r) { r.headers = {{"X", "a\r\nEvil: 1"}}; });
  refused([](auto& r) { r.headers = {{"X", "a\nEvil: 1"}}; });
  refused([](auto& r) { r.headers = {{"X", std::string("a\0b", 3)}}; });
  refused([](auto& r) { r.headers = {{"X: y", "a"}}; });
  refused([](auto& r) { r.headers = {{"X\r\nEvil", "a"}}; });
  refused([](auto& r) { r.headers = {{"", "a"}}; });
  refused([](auto& r) { r.headers = {{"content-length", "1"}}; });
  refused([](auto& r) { r.headers = {{"Transfer-Encoding", "chunked"}}; });
  refused([](auto& r) { r.method = "GET / HTTP/1.1\r\nX:"; });
  refused([](auto& r) { r.method = ""; });
  refused([](auto& r) { r.url += " HTTP/1.1\r\nEvil: 1"; });
  refused([](auto& r) { r.url = "ftp://127.0.0.1/"; });
  refused([](auto& r) { r.url = "file:///etc/passwd"; });
  refused([](auto& r) { r.url = "nonsense"; });
  EXPECT_EQ(server.accepted, 0);
}

TEST_F(Sending, PrivateAddressesAreRefusedUnlessAllowed) {
  Scripted server([](Raw& raw, int) {
    while (!read_request(raw).empty()) raw.send(ok_answer);
  });
  const std::string port = std::to_string(server.port);
  for (const std::string host :
       {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0", "[::]", "2130706433",
        "0x7f.1", "0177.0.0.1", "127.1", "10.0.0.1", "192.168.0.1", "[fd00::1]", "[fe80::1]", "user:pw@127.0.0.1"}) {
    auto request = request_to(server.port);
    request.url = "http://" + host + ":" + port + "/p";
    request.allow_private = false;
    const auto answer = send(request);
    EXPECT_TRUE(answer.refused_address) << host << " " << answer.error;
    EXPECT_EQ(answer.progress, Progress::not_sent) << host;
  }
  EXPECT_EQ(server.accepted, 0);
}

TEST_F(Sending, NamesOfPrivateAddressesAreRefusedAlsoWithAConnectionKept) {
  Scripted server([](Raw& raw, int) {
    while (!read_request(raw).empty()) raw.send(ok_answer);
  });
  Client::Options options;
  options.resolve = [](const std::string& host) {
    Resolution result;
    result.addresses = host == "mapped.example" ? std::vector<std::string>{"::ffff:127.0.0.1"}
                                                : std::vector<std::string>{"127.0.0.1", "192.0.2.1"};
    return result;
  };
  make(options);
  for (const char* host : {"name.example", "mapped.example"}) {
    auto request = request_to(server.port);
    request.url = std::string("http://") + host + ":" + std::to_string(server.port) + "/";
    const int before = server.accepted;
    EXPECT_EQ(send(request).status, 200) << host;  // its connection is kept
    request.allow_private = false;
    EXPECT_TRUE(send(request).refused_address) << host;
    EXPECT_EQ(server.accepted, before + 1) << host;
  }
}

TEST_F(Sending, RedirectsAreNotFollowed) {
  Scripted server([](Raw& raw, int) {
    read_request(raw);
    raw.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  });
  const auto answer = send(request_to(server.port));
  EXPECT_EQ(answer.progress, Progress::answered);
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(*find_header(answer.headers, "location"), "http://127.0.0.1:1/");
}

TEST_F(Sending, BigAnswersAreCutAndStillCount) {
  std::atomic<bool> closed_by_client{false};
  Scripted server([&](Raw& raw, int number) {
    read_request(raw);
    if (number == 0) {
      raw.send("HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
      read_request(raw);
    }
    raw.send("HTTP/1.1 201 Created\r\n\r\n");  // without an end
    while (raw.send(std::string(10'000, 'x'))) {
    }
    closed_by_client = true;
  });
  auto request = request_to(server.port);
  request.response_bytes_max = 1000;
  for (int i = 0; i < 2; ++i) {
    const auto answer = send(request);
    EXPECT_EQ(answer.progress, Progress::answered) << answer.error;
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body.size(), 1000u);
  }
  EXPECT_EQ(server.accepted, 1) << "a little too much does not cost the connection";
  for (int i = 0; i < 400 && !closed_by_client; ++i) ::usleep(5'000);
  EXPECT_TRUE(closed_by_client);
}

TEST_F(Sending, HowFarARequestGotIsKnown) {
  struct Row {
    const char* what;
    std::string answer;
  };
  // The request was read each time; what came back is no complete answer.
  for (const auto& row : {Row{"closes without a word", ""}, Row{"closes in the head", "HTTP/1.1 200 OK\r\nContent-Le"},
                          Row{"closes in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
                          Row{"garbage", "SSH-2.0-OpenSSH_9.2\r\n"},
                          Row{"bad chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
                          Row{"endless headers", "HTTP/1.1 200 OK\r\n" + [] {
                                std::string s;
                                for (int i = 0; i < 6000; ++i)
                                  s += "X-" + std::to_string(i) + ": " + std::string(60, 'x') + "\r\n";
                                return s;
                              }()}}) {
    Scripted server([&](Raw& raw, int) {
      read_request(raw);
      raw.send(row.answer);
    });
    const auto answer = send(request_to(server.port));
    EXPECT_EQ(answer.progress, Progress::sent) << row.what;
    EXPECT_FALSE(answer.error.empty()) << row.what;
    EXPECT_FALSE(answer.timed_out) << row.what;
  }
  const auto refused = send(request_to(test::closed_port()));
  EXPECT_EQ(refused.progress, Progress::not_sent);
  EXPECT_FALSE(refused.refused_address);
  EXPECT_EQ(refused.error.find("/p"), std::string::npos);
}

TEST_F(Sending, ErrorsDoNotShowTheUrl) {
  auto request = request_to(test::closed_port(), "/services/T000/SECRETTOKEN?key=SECRETKEY");
  const auto answer = send(request);
  EXPECT_EQ(answer.error.find("SECRET"), std::string::npos) << answer.error;
}

TEST_F(Sending, TimeOutsSayHowFarItGot) {
  Scripted silent([](Raw& raw, int) { raw.rest(); });
  auto request = request_to(silent.port);
  request.timeout = Millis{150};
  auto answer = send(request);
  EXPECT_TRUE(answer.timed_out);
  EXPECT_EQ(answer.progress, Progress::sent);

  request.url = "https://127.0.0.1:" + std::to_string(silent.port) + "/";  // the TLS handshake is never answered
  answer = send(request);
  EXPECT_TRUE(answer.timed_out);
  EXPECT_EQ(answer.progress, Progress::not_sent);

  Scripted dripping([](Raw& raw, int) {  // an answer that never ends is not kept alive by its bytes
    read_request(raw);
    raw.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (raw.send("x")) ::usleep(10'000);
  });
  request = request_to(dripping.port);
  request.timeout = Millis{200};
  answer = send(request);
  EXPECT_TRUE(answer.timed_out);
  EXPECT_EQ(answer.progress, Progress::sent);
}

TEST_F(Sending, CancellationAbortsTheTransfer) {
  std::atomic<bool> gone{false};
  std::atomic<bool> arrived{false};
  Scripted server([&](Raw& raw, int) {
    arrived = !read_request(raw).empty();
    gone = raw.rest().empty() && !raw.silent;
  });
  asio::cancellation_signal signal;
  std::promise<void> ended;
  auto work = client->send(request_to(server.port));
  loop.on_loop([&] {
    asio::co_spawn(
        loop.context, std::move(work),
        asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, ClientResponse) { ended.set_value(); }));
  });
  while (!arrived) ::usleep(1'000);
  loop.on_loop([&] { signal.emit(asio::cancellation_type::terminal); });
  EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(2)), std::future_status::ready);
  for (int i = 0; i < 400 && !gone; ++i) ::usleep(5'000);
  EXPECT_TRUE(gone);
}

TEST_F(Sending, ClientMayGoWithTransfersUnderWay) {
  Scripted server([](Raw& raw, int) { raw.rest(); });
  auto one = begin(request_to(server.port));
  while (server.accepted < 1) ::usleep(1'000);
  loop.on_loop([this] { client.reset(); });
  const auto answer = one.get();
  EXPECT_NE(answer.progress, Progress::answered);
  EXPECT_EQ(answer.error, "cancelled");
}

TEST_F(Sending, AKeptConnectionThatDiedIsReplaced) {
  Scripted server([](Raw& raw, int) {
    read_request(raw);
    raw.send(ok_answer);  // and then closes, against what it said
  });
  for (int i = 0; i < 10; ++i) EXPECT_EQ(send(request_to(server.port)).status, 200) << i;
  EXPECT_EQ(server.accepted, 10);
}

TEST_F(Sending, AHostWhoseNameHangsDelaysNoOther) {
  Scripted server([](Raw& raw, int) {
    while (!read_request(raw).empty()) raw.send(ok_answer);
  });
  auto release = std::make_shared<std::promise<void>>();
  const auto released = release->get_future().share();
  std::atomic<int> lookups{0};
  Client::Options options;
  options.resolver_threads_max = 2;
  options.connections_max = 4;
  options.resolve = [&lookups, released](const std::string& host) {
    ++lookups;
    Resolution result;
    if (host == "hangs.example") released.wait();
    result.addresses = {"127.0.0.1"};
    return result;
  };
  make(options);
  auto hanging = request_to(server.port);
  hanging.url = "http://hangs.example:" + std::to_string(server.port) + "/";
  hanging.timeout = Millis{200};
  std::vector<std::future<ClientResponse>> hung;
  for (int i = 0; i < 50; ++i) hung.push_back(begin(hanging));
  auto good = request_to(server.port);
  good.url = "http://good.example:" + std::to_string(server.port) + "/";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send(good).status, 200);
  for (auto& future : hung) {
    const auto answer = future.get();
    EXPECT_EQ(answer.progress, Progress::not_sent);
    EXPECT_TRUE(answer.timed_out);
  }
  EXPECT_EQ(lookups, 2) << "one lookup per name, however many want it and give up";
  release->set_value();
  hanging.timeout = Millis{4000};
  EXPECT_EQ(send(hanging).status, 200);
}

TEST_F(Sending, AnUnknownNameIsAnErrorThatSentNothing) {
  Client::Options options;
  options.resolve = [](const std::string&) {
    Resolution result;
    result.error = "no such name";
    return result;
  };
  make(options);
  auto request = request_to(1);
  request.url = "http://nowhere.example/";
  const auto answer = send(request);
  EXPECT_EQ(answer.progress, Progress::not_sent);
  EXPECT_EQ(answer.error, "no such name");
}

TEST_F(Sending, AGroupThatHangsLeavesRoomForOthers) {
  Scripted hangs([](Raw& raw, int) { raw.rest(); });
  Scripted server([](Raw& raw, int) {
    while (!read_request(raw).empty()) raw.send(ok_answer);
  });
  Client::Options options;
  options.connections_max = 8;
  make(options);
  auto slow = request_to(hangs.port);
  slow.group = "slow";
  slow.timeout = Millis{3000};
  std::vector<std::future<ClientResponse>> hung;
  for (int i = 0; i < 30; ++i) hung.push_back(begin(slow));
  auto good = request_to(server.port);
  good.group = "good";
  good.timeout = Millis{3000};
  for (int i = 0; i < 50; ++i) EXPECT_EQ(send(good).status, 200);
  EXPECT_EQ(hung.back().wait_for(std::chrono::seconds(0)), std::future_status::timeout)
      << "the others did not wait for it";
  EXPECT_LE(hangs.accepted, 4) << "half of the connections at most";
  for (auto& future : hung) EXPECT_TRUE(future.get().timed_out);
}

}  // namespace
}  // namespace chatrelay::http
