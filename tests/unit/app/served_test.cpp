#include "app/served.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace chatrelay;
using namespace chatrelay::app;
using ::testing::HasSubstr;

namespace {

namespace asio = boost::asio;

// Answers its name, after stop_waiting() if it was asked to wait.
class NamedEndpoints final : public systems::Endpoints {
 public:
  NamedEndpoints(std::string name, asio::io_context& context, bool waits, int& alive)
      : name_(std::move(name)), news_(context, SteadyTime::max()), waits_(waits), alive_(alive) {
    ++alive_;
  }
  ~NamedEndpoints() override { --alive_; }
  asio::awaitable<http::Response> handle(http::Request&) override {
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if (waits_) co_await news_.async_wait(token);
    co_return http::Response(200, name_);
  }
  void stop_waiting() override {
    waits_ = false;
    news_.cancel();
  }

 private:
  std::string name_;
  asio::steady_timer news_;
  bool waits_;
  int& alive_;
};

bool of_rocketchat(std::string_view path) {
  return path.starts_with("/api/v1/livechat/");
}
bool of_livehelperchat(std::string_view path) {
  return path.find("/restapi/") != path.npos;
}
bool of_livechatoo(std::string_view path) {
  return path.starts_with("/livechatoo/");
}

class ServedTest : public ::testing::Test {
 protected:
  ServedSource source(const std::string& name, std::vector<std::string> hosts, bool waits = false,
                      bool (*serves)(std::string_view) = &of_rocketchat) {
    ServedSource made;
    made.source = name;
    made.serves = serves;
    made.hosts = std::move(hosts);
    made.endpoints = std::make_shared<NamedEndpoints>(name, context_, waits, alive_);
    return made;
  }
  void set(std::vector<ServedSource> sources) { served_.set(std::move(sources)); }

  // Puts the answer into `response` when there is one.
  void ask(http::Request& request, std::optional<http::Response>& response) {
    auto ended = [&response](const std::exception_ptr&, http::Response r) { response = std::move(r); };
    asio::co_spawn(context_, served_.handle(request), ended);
    turn();
  }
  void turn() {
    context_.restart();
    context_.poll();
  }
  std::string answer(const std::string& target, const std::string& host) {
    http::Request request;
    request.message.target(target);
    request.message.set(http::beast::http::field::host, host);
    std::optional<http::Response> response;
    ask(request, response);
    if (!response) return "no answer";
    return response->status == 200 ? response->body : std::to_string(response->status);
  }

  asio::io_context context_{1};
  int alive_ = 0;
  Served served_;
};

config::Problems problems_of(const std::string& sources) {
  config::Problems problems;
  const config::Config config = config::parse_config("store: sqlite:/tmp/unused.db\nsources:\n" + sources,
                                                     "chatrelay.yaml", problems, config::Environment::process());
  EXPECT_FALSE(problems.has_errors()) << problems.to_string();
  check_hosts(config);
  return problems;
}

}  // namespace

TEST_F(ServedTest, NothingIsServedWithoutSources) {
  EXPECT_EQ(answer("/api/v1/livechat/config", "a.example"), "404");
  EXPECT_EQ(answer("/", "a.example"), "404");
}

TEST_F(ServedTest, TheOnlySourceTakesEveryHost) {
  set({source("site", {})});
  EXPECT_EQ(answer("/api/v1/livechat/config", "anything.example:8080"), "site");
  EXPECT_EQ(answer("/api/v1/livechat/config?token=x", ""), "site");
  EXPECT_EQ(answer("/api/v1/livechat", "a.example"), "404") << "the prefix ends with a slash";
  EXPECT_EQ(answer("/api/v1/other", "a.example"), "404");
  EXPECT_EQ(answer("http://a.example/api/v1/livechat/config", "a.example"), "site") << "absolute form";
}

TEST_F(ServedTest, HostsChooseAndTheOneWithoutIsTheFallback) {
  set({source("rest", {}), source("shop", {"shop.example", "www.shop.example"}), source("lab", {"[::1]", "10.0.0.1"})});
  const std::string path = "/api/v1/livechat/room";
  EXPECT_EQ(answer(path, "shop.example"), "shop");
  EXPECT_EQ(answer(path, "WWW.Shop.Example:443"), "shop");
  EXPECT_EQ(answer(path, "shop.example."), "shop");
  EXPECT_EQ(answer(path, "[::1]:8080"), "lab");
  EXPECT_EQ(answer(path, "10.0.0.1:8080"), "lab");
  EXPECT_EQ(answer(path, "notshop.example"), "rest");
  EXPECT_EQ(answer(path, "shop.example.evil.example"), "rest");
  EXPECT_EQ(answer(path, ""), "rest");
}

TEST_F(ServedTest, WithoutAFallbackAnUnknownHostIsNobodys) {
  set({source("a", {"a.example"}), source("b", {"b.example"})});
  EXPECT_EQ(answer("/api/v1/livechat/room", "b.example"), "b");
  for (const std::string host : {"c.example", "", ":8080", "[", "a.example b.example", "a.example/"})
    EXPECT_EQ(answer("/api/v1/livechat/room", host), "404") << host;
}

TEST_F(ServedTest, SystemsAreToldApartByTheirPaths) {
  set({source("site", {}), source("status", {}, false, &of_livehelperchat)});
  EXPECT_EQ(answer("/api/v1/livechat/room", "x.example"), "site");
  EXPECT_EQ(answer("/index.php/restapi/isonline", "x.example"), "status");
}

TEST_F(ServedTest, WhatAccompaniesAHookIsNamedInTheQueryWhereThereAreSeveral) {
  const auto shop = [this](const std::string& name) {
    ServedSource made = source(name, {}, false, &of_livechatoo);
    made.named_in_query = true;
    return made;
  };
  set({shop("shop")});
  EXPECT_EQ(answer("/livechatoo/bridge.js", "x.example"), "shop");
  EXPECT_EQ(answer("/livechatoo/bridge.js?source=shop", "x.example"), "shop");
  EXPECT_EQ(answer("/livechatoo/bridge.js?source=other", "x.example"), "404");
  set({shop("shop"), source("site", {}), shop("outlet")});
  EXPECT_EQ(answer("/livechatoo/bridge.js?v=1&source=outlet", "x.example"), "outlet");
  EXPECT_EQ(answer("/livechatoo/bridge.js?source=%6futlet", "x.example"), "outlet");
  EXPECT_EQ(answer("/livechatoo/bridge.js", "x.example"), "404");
  EXPECT_EQ(answer("/livechatoo/bridge.js?source=site", "x.example"), "404");
  EXPECT_EQ(answer("/livechatoo/bridge.js?source=%", "x.example"), "404");
}

TEST_F(ServedTest, AReloadAnswersWhoWaitsAndFreesTheOldOnesAfterThat) {
  set({source("old", {}, true)});
  http::Request request;
  request.message.target("/api/v1/livechat/messages.history/r");
  std::optional<http::Response> response;
  ask(request, response);
  EXPECT_FALSE(response) << "it waits";
  set({source("new", {})});
  EXPECT_EQ(alive_, 2) << "the old ones live until their request is answered";
  turn();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "old");
  EXPECT_EQ(alive_, 1);
  EXPECT_EQ(answer("/api/v1/livechat/room", "x.example"), "new");
}

TEST_F(ServedTest, StopWaitingAnswersWhoWaits) {
  set({source("site", {}, true)});
  http::Request request;
  request.message.target("/api/v1/livechat/messages.history/r");
  std::optional<http::Response> response;
  ask(request, response);
  EXPECT_FALSE(response);
  served_.stop_waiting();
  turn();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "site");
}

TEST(HostName, IsWithoutPortAndInLowerCase) {
  EXPECT_EQ(host_name("A.Example:80"), "a.example");
  EXPECT_EQ(host_name("a.example."), "a.example");
  EXPECT_EQ(host_name("[2001:DB8::1]:443"), "[2001:db8::1]");
  EXPECT_EQ(host_name("localhost"), "localhost");
  for (const std::string& wrong :
       {std::string(), std::string(":80"), std::string("[::1"), std::string("a b"), std::string("a/b"),
        std::string("*.example"), std::string("a_\xc3\xa4"), std::string(300, 'a')})
    EXPECT_EQ(host_name(wrong), "") << wrong;
}

TEST(CheckHosts, ServedSourcesOfOneSystemMustBeToldApart) {
  const auto text = [](const std::string& sources) { return problems_of(sources).to_string(); };
  EXPECT_EQ(text("  a: {system: rocketchat, serve: true}\n  b: {system: livechat}\n"), "");
  EXPECT_EQ(
      text("  a: {system: rocketchat, serve: true}\n  b: {system: rocketchat, serve: true, hosts: [b.example]}\n"), "");
  EXPECT_EQ(text("  a: {system: rocketchat, serve: true}\n  b: {system: livehelperchat, serve: true}\n"), "");
  EXPECT_EQ(text("  a: {system: rocketchat, serve: true}\n  b: {system: rocketchat, serve: false}\n"), "");
  EXPECT_EQ(text("  a: {system: livechatoo}\n  b: {system: livechatoo}\n"), "") << "the query tells them apart";
  EXPECT_THAT(text("  a: {system: rocketchat, serve: true}\n  b: {system: rocketchat, serve: true}\n"),
              HasSubstr("chatrelay.yaml:4: sources.b.serve is true for sources.a too"));
  EXPECT_THAT(text("  a: {system: rocketchat, serve: true, hosts: [x.example]}\n"
                   "  b: {system: rocketchat, serve: true, hosts: [y.example, X.example]}\n"),
              HasSubstr("chatrelay.yaml:4: sources.b.hosts[1] is a host of sources.a already"));
  for (const char* wrong : {"'https://x.example'", "'x.example:80'", "'x example'", "'*.example'", "''"})
    EXPECT_THAT(text(std::string("  a: {system: rocketchat, serve: true, hosts: [") + wrong + "]}\n"),
                HasSubstr("must be the name of a host"))
        << wrong;
}
