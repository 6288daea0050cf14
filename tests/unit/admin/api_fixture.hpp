// An Api over a FakeStore, called in-process.
#pragma once

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "admin/api/api.hpp"
#include "common/json.hpp"
#include "unit/admin/fake_store.hpp"

namespace chatrelay::admin::test {

namespace json = boost::json;

struct ApiFixture : testing::Test {
  using HeaderList = std::vector<std::pair<std::string, std::string>>;

  WallTime now = *parse_rfc3339("2026-11-20T10:00:00Z");
  ManualClock clock{now};
  Metrics metrics;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  FakeStore store;
  presence::Board presence{{}, clock};
  std::vector<deliver::ReplayRequest> replays;
  std::vector<deliver::DestinationStatus> destinations;
  std::vector<std::string> switched;  // "pause crm: reason", "resume crm"
  config::Problems reload_problems;
  std::vector<std::string> not_ready;
  Millis planner_busy{0};
  std::string token;
  std::unique_ptr<api::Api> made;

  Context context() {
    Context context(io.get_executor(), store, presence, clock, metrics);
    if (!token.empty()) context.admin_token = Secret(token);
    context.version = "9.9.9";
    context.config_file = "/etc/chatrelay/chatrelay.yaml";
    context.started_at = now;
    context.replay = [this](deliver::ReplayRequest request, auto done) {
      replays.push_back(request);
      std::vector<deliver::ReplayPlan> plans;
      for (const EventSeq seq : request.events) {
        deliver::ReplayPlan plan;
        plan.event = seq;
        plan.deliveries.push_back({"new chats", "crm", "send", json::object{{"text", "hello"}}});
        if (!request.dry_run) plan.created.push_back(1000 + seq);
        plans.push_back(std::move(plan));
      }
      done(std::move(plans));
    };
    context.planner_busy_for = [this] { return planner_busy; };
    context.destination_status = [this] { return destinations; };
    context.pause = [this](std::string name, std::string reason, auto done) {
      switched.push_back("pause " + name + ": " + reason);
      done(Result<void>{});
    };
    context.resume = [this](std::string name, auto done) {
      switched.push_back("resume " + name);
      done(Result<void>{});
    };
    context.probe = [](std::string name) -> boost::asio::awaitable<Result<Outcome>> {
      Outcome outcome(name == "crm" ? OutcomeClass::ok : OutcomeClass::retry,
                      name == "crm" ? "HTTP 204" : "connection refused");
      co_return outcome;
    };
    context.reload = [this](std::function<void(config::Problems)> done) { done(reload_problems); };
    context.not_ready = [this] { return not_ready; };
    return context;
  }
  api::Api& api() {
    if (!made) made = std::make_unique<api::Api>(context());
    return *made;
  }
  void add_destination(const std::string& name) {
    deliver::DestinationStatus status;
    status.name = name;
    status.circuit = "closed";
    status.description = "POST https://example.com/in";
    destinations.push_back(status);
  }

  http::Response call(const std::string& method, const std::string& target, const std::string& body = {},
                      const HeaderList& headers = {}) {
    http::Request request;
    request.message.method_string(method);
    request.message.target(target);
    request.message.set("Host", "127.0.0.1:8081");
    if (method == "POST") request.message.set("Content-Type", "application/json");
    for (const auto& [name, value] : headers) request.message.set(name, value);
    request.message.body() = body;
    return run(api().handle(request));
  }
  json::value get(const std::string& target, int status = 200) { return checked(call("GET", target), status); }
  json::value post(const std::string& target, const json::value& body, int status = 200) {
    return checked(call("POST", target, json::serialize(body)), status);
  }
  static json::value checked(const http::Response& response, int status) {
    EXPECT_EQ(response.status, status) << response.body;
    auto parsed = parse_json(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? *parsed : json::value{};
  }
  static std::string error_of(const json::value& body) { return string_at(body, "error").value_or(""); }

  template <class T>
  T run(boost::asio::awaitable<T> task) {
    std::optional<T> result;
    boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown, T value) {
      EXPECT_FALSE(thrown);
      result.emplace(std::move(value));
    });
    while (!result) io.run_one();
    return std::move(*result);
  }
};

}  // namespace chatrelay::admin::test
