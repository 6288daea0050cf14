// What stands in front of the handlers: origins, limits, requests as handlers see them, and long polls.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "systems/rocketchat/endpoints/api.hpp"
#include "systems/rocketchat/endpoints/call_limits.hpp"
#include "systems/rocketchat/endpoints/cross_origin.hpp"
#include "systems/rocketchat/endpoints/room_waiters.hpp"

namespace chatrelay::systems::rocketchat::endpoints {
namespace {

http::Request request(const std::string& method, const std::string& target) {
  http::Request made;
  made.message.method_string(method);
  made.message.target(target);
  made.message.set("Host", "chat.example");
  made.remote = "192.0.2.1";
  return made;
}

http::Request from_origin(const std::string& method, const std::string& origin) {
  http::Request made = request(method, "/api/v1/livechat/config");
  made.message.set("Origin", origin);
  return made;
}

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "-";
}

using Verdict = CrossOrigin::Verdict;

TEST(CrossOrigin, welcomes_the_configured_sites_and_our_own) {
  const CrossOrigin rules({"https://shop.example"});
  EXPECT_EQ(rules.judge(request("GET", "/")), Verdict::none);
  EXPECT_EQ(rules.judge(from_origin("GET", "https://chat.example")), Verdict::none);
  EXPECT_EQ(rules.judge(from_origin("GET", "https://shop.example")), Verdict::welcome);
  EXPECT_EQ(rules.judge(from_origin("GET", "https://SHOP.example")), Verdict::welcome);
  for (const char* foreign : {"http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example",
                              "https://evil-shop.example", "null", "chat.example", "*"})
    EXPECT_EQ(rules.judge(from_origin("GET", foreign)), Verdict::foreign) << foreign;
}

TEST(CrossOrigin, names_the_origin_or_a_wildcard_without_credentials) {
  const http::Request asked = from_origin("GET", "https://shop.example");
  http::Response named(200);
  CrossOrigin({"https://shop.example"}).add_headers(asked, Verdict::welcome, named);
  EXPECT_EQ(header(named, "Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(header(named, "Vary"), "Origin");
  http::Response wild(200);
  CrossOrigin({"*"}).add_headers(asked, Verdict::welcome, wild);
  EXPECT_EQ(header(wild, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(wild, "Access-Control-Allow-Credentials"), "-");
  http::Response foreign(200);
  CrossOrigin({"https://shop.example"}).add_headers(asked, Verdict::foreign, foreign);
  EXPECT_EQ(header(foreign, "Access-Control-Allow-Origin"), "-");
  EXPECT_EQ(header(foreign, "Vary"), "Origin");
}

TEST(CrossOrigin, answers_a_preflight) {
  const CrossOrigin rules({"https://shop.example"});
  http::Request asked = from_origin("OPTIONS", "https://shop.example");
  EXPECT_FALSE(CrossOrigin::is_preflight(asked));
  asked.message.set("Access-Control-Request-Method", "PUT");
  EXPECT_TRUE(CrossOrigin::is_preflight(asked));
  const http::Response yes = rules.preflight(asked, Verdict::welcome);
  EXPECT_EQ(yes.status, 204);
  EXPECT_NE(header(yes, "Access-Control-Allow-Methods").find("PUT"), std::string::npos);
  const http::Response no = rules.preflight(asked, Verdict::foreign);
  EXPECT_EQ(no.status, 403);
  EXPECT_EQ(header(no, "Access-Control-Allow-Methods"), "-");
}

namespace {
// As one request: of the address, then of the token.
http::RequestLimiter::Verdict take(CallLimits& calls, Limit limit, std::string_view token, std::string_view address,
                                   WallTime now) {
  const auto of_address = calls.take_address(limit, address, now);
  return of_address.allowed ? calls.take_token(limit, token, address, of_address, now) : of_address;
}
}  // namespace

TEST(CallLimits, count_a_token_by_its_rate_and_an_address_by_the_factor) {
  Limits limits;
  limits.message = Rate{2, Millis{60'000}};
  limits.per_address = 2;
  CallLimits calls(limits);
  const WallTime now = from_ms(1'700'000'000'000);
  EXPECT_TRUE(take(calls, Limit::message, "t1", "192.0.2.1", now).allowed);
  EXPECT_TRUE(take(calls, Limit::message, "t1", "192.0.2.1", now).allowed);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(take(calls, Limit::message, "t1", "192.0.2.1", now).allowed);
  EXPECT_TRUE(take(calls, Limit::message, "t2", "192.0.2.1", now).allowed) << "what t1 was refused is not counted";
  EXPECT_TRUE(take(calls, Limit::message, "t2", "192.0.2.1", now).allowed);
  EXPECT_FALSE(take(calls, Limit::message, "t3", "192.0.2.1", now).allowed) << "the address made its four calls";
  EXPECT_TRUE(take(calls, Limit::message, "t3", "192.0.2.2", now).allowed);
  EXPECT_TRUE(take(calls, Limit::history, "t1", "192.0.2.1", now).allowed) << "another rate";
}

TEST(CallLimits, count_a_network_of_ipv6_as_one_address) {
  Limits limits;
  limits.offline_message = Rate{2, Millis{60'000}};
  CallLimits calls(limits);
  const WallTime now = from_ms(1'700'000'000'000);
  EXPECT_TRUE(take(calls, Limit::offline_message, "", "2001:db8::1", now).allowed);
  EXPECT_TRUE(take(calls, Limit::offline_message, "", "2001:db8::2", now).allowed);
  EXPECT_FALSE(take(calls, Limit::offline_message, "", "2001:db8::ffff:3", now).allowed);
  EXPECT_TRUE(take(calls, Limit::offline_message, "", "2001:db8:0:1::1", now).allowed);
  EXPECT_TRUE(take(calls, Limit::offline_message, "", "192.0.2.1", now).allowed);
  EXPECT_TRUE(take(calls, Limit::offline_message, "", "::ffff:192.0.2.1", now).allowed);
  EXPECT_FALSE(take(calls, Limit::offline_message, "", "192.0.2.1", now).allowed)
      << "the same address in another dress";
}

TEST(CallLimits, count_offline_messages_by_their_address_alone) {
  Limits limits;
  limits.offline_message = Rate{1, Millis{60'000}};
  CallLimits calls(limits);
  const WallTime now = from_ms(1'700'000'000'000);
  EXPECT_TRUE(take(calls, Limit::offline_message, "a", "192.0.2.1", now).allowed);
  EXPECT_FALSE(take(calls, Limit::offline_message, "b", "192.0.2.1", now).allowed);
}

TEST(CallLimits, say_when_to_come_again) {
  http::RequestLimiter::Verdict verdict;
  verdict.limit = 60;
  verdict.reset = from_ms(1'700'000'060'000);
  verdict.retry_after = Millis{1'500};
  http::Response response = CallLimits::too_many(verdict);
  CallLimits::add_headers(verdict, response);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.body,
            R"({"success":false,"error":"Error, too many requests. Please slow down. You must wait 2 seconds )"
            R"(before trying this endpoint again. [error-too-many-requests]"})");
  EXPECT_EQ(header(response, "Retry-After"), "2");
  EXPECT_EQ(header(response, "X-RateLimit-Limit"), "60");
  EXPECT_EQ(header(response, "X-RateLimit-Remaining"), "0");
  EXPECT_EQ(header(response, "X-RateLimit-Reset"), "1700000060000");
}

std::string input_of(const std::string& type, const std::string& body) {
  http::Request asked = request("POST", "/api/v1/livechat/message");
  if (!type.empty()) asked.message.set("Content-Type", type);
  asked.message.body() = body;
  const http::Captures captures;
  return json::serialize(Ask(asked, captures, WallTime{}).input);
}

TEST(Ask, reads_bodies_as_the_original_does) {
  EXPECT_EQ(input_of("application/json; charset=utf-8", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(input_of("application/json", "[1]"), "[1]");
  EXPECT_EQ(input_of("application/json", "{broken"), "{}");
  EXPECT_EQ(input_of("application/json", ""), "{}");
  EXPECT_EQ(input_of("application/x-www-form-urlencoded", "a=1&b=x+y"), R"({"a":"1","b":"x y"})");
  EXPECT_EQ(input_of("multipart/form-data; boundary=x", "--x--"), "{}");
  EXPECT_EQ(input_of("", R"({"token":"t"})"), R"({"0":"{"})");
}

TEST(Ask, reads_queries_and_lists_what_comes_twice) {
  http::Request asked = request("GET", "/api/v1/livechat/config?a=1&b=2&b=3&b=%34");
  const http::Captures captures;
  const Ask ask(asked, captures, WallTime{});
  EXPECT_EQ(json::serialize(ask.input), R"({"a":"1","b":["2","3","4"]})");
  EXPECT_FALSE(ask.query_is_broken);
  http::Request broken_one = request("GET", "/api/v1/livechat/config?a=%zz");
  EXPECT_TRUE(Ask(broken_one, captures, WallTime{}).query_is_broken);
}

TEST(Ask, tells_no_token_and_nothing_too_deep_to_be_read_back) {
  http::Request asked = request("POST", "/api/v1/livechat/visitor");
  asked.message.set("Content-Type", "application/json");
  asked.message.body() = R"({"token":"t1","visitor":{"token":"t2","name":"Ann"},"rid":"r"})";
  const http::Captures captures;
  EXPECT_EQ(json::serialize(Ask(asked, captures, WallTime{}).raw()), R"({"visitor":{"name":"Ann"},"rid":"r"})");
  asked.message.body() = R"({"a":)" + std::string(120, '[') + std::string(120, ']') + "}";
  EXPECT_TRUE(Ask(asked, captures, WallTime{}).raw().is_null());
  asked.message.body() = R"({"junk":")" + std::string(70'000, 'x') + "\"}";
  EXPECT_EQ(json::serialize(Ask(asked, captures, WallTime{}).raw()), R"({"omitted_bytes":70011})");
}

TEST(Ask, knows_the_widget_by_both_its_cookies) {
  http::Request asked = request("GET", "/api/v1/livechat/room");
  const http::Captures captures;
  asked.message.set("Cookie", "x=1; rc_is_widget=t");
  EXPECT_FALSE(Ask(asked, captures, WallTime{}).is_widget());
  asked.message.set("Cookie", "rc_room_type=l; rc_is_widget=t");
  EXPECT_TRUE(Ask(asked, captures, WallTime{}).is_widget());
}

// A coroutine that waits in a room for longer than any test runs.
struct Waiting {
  Waiting(boost::asio::io_context& context, RoomWaiters& waiters, std::string room) {
    boost::asio::co_spawn(context, run(waiters, std::move(room)), boost::asio::detached);
  }
  boost::asio::awaitable<void> run(RoomWaiters& waiters, std::string room) {
    RoomWaiters::Place place(waiters, std::move(room));
    auto pending = place.wait(std::chrono::hours(1));
    co_await std::move(pending);
    ended = true;
  }
  bool ended = false;
};

TEST(RoomWaiters, wake_those_who_wait_for_that_room_of_that_source) {
  boost::asio::io_context context;
  RoomBell bell;
  RoomWaiters waiters(context.get_executor(), bell, "site");
  Waiting one(context, waiters, "r1"), other(context, waiters, "r2");
  context.poll();
  EXPECT_EQ(waiters.size(), 2u);
  bell.ring("elsewhere", "r1");
  context.poll();
  EXPECT_FALSE(one.ended);
  bell.ring("site", "r1");
  context.poll();
  EXPECT_TRUE(one.ended);
  EXPECT_FALSE(other.ended);
  waiters.stop();
  context.poll();
  EXPECT_TRUE(other.ended);
  EXPECT_EQ(waiters.size(), 0u);
}

TEST(RoomWaiters, keep_a_ring_that_comes_between_the_place_and_the_wait) {
  boost::asio::io_context context;
  RoomBell bell;
  RoomWaiters waiters(context.get_executor(), bell, "site");
  RoomWaiters::Place place(waiters, "r1");
  bell.ring("site", "r1");
  context.poll();
  context.restart();
  bool ended = false;
  boost::asio::co_spawn(context, place.wait(std::chrono::hours(1)), [&](const std::exception_ptr&) { ended = true; });
  context.poll();
  EXPECT_TRUE(ended);
}

TEST(RoomWaiters, have_no_more_than_so_many_places_in_a_room) {
  boost::asio::io_context context;
  RoomBell bell;
  RoomWaiters waiters(context.get_executor(), bell, "site");
  std::vector<std::unique_ptr<Waiting>> all;
  for (std::size_t i = 0; i < RoomWaiters::room_waiters_max + 1; ++i)
    all.push_back(std::make_unique<Waiting>(context, waiters, "r1"));
  context.poll();
  EXPECT_TRUE(all.back()->ended) << "who gets no place goes on at once";
  EXPECT_EQ(waiters.size(), RoomWaiters::room_waiters_max);
  waiters.stop();
  context.poll();
  EXPECT_EQ(waiters.size(), 0u);
}

}  // namespace
}  // namespace chatrelay::systems::rocketchat::endpoints
