// What the tests of Live Helper Chat's REST API share: the endpoints of a configured source over a store in memory,
// asked as clients ask, without a socket.
#pragma once

#include <algorithm>
#include <future>
#include <sstream>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "common/crypto.hpp"
#include "common/json.hpp"
#include "conversations/rooms.hpp"
#include "event/served_event.hpp"
#include "store/memory/memory_store.hpp"
#include "systems/livehelperchat/endpoints/livehelperchat_endpoints.hpp"
#include "systems/livehelperchat/endpoints/serving.hpp"
#include "unit/systems/systems_support.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

struct Configured {
  config::Problems problems;
  config::Config config;
};

inline Configured configured(const std::string& keys) {
  std::string text = "sources:\n  status:\n";
  std::istringstream lines(keys);
  for (std::string line; std::getline(lines, line);) text += "    " + line + "\n";
  Configured made;
  made.config = config::parse_config(text, "test.yaml", made.problems, chatrelay::testing::no_environment());
  return made;
}

class Front : public ::testing::Test {
 protected:
  Front() : store(store::make_memory_store(clock)), board(settings(), clock) {}

  static presence::Settings settings() {
    presence::Settings made;
    made.configured = true;
    presence::User jo;
    jo.id = 7;
    jo.username = "jo";
    jo.email = "op+1@example.com";
    jo.departments = {2};
    made.users.push_back(jo);
    return made;
  }
  void serve(const std::string& keys) {
    const Configured made = configured(keys);
    ASSERT_EQ(made.config.sources.size(), 1U);
    EndpointContext context{.executor = io.get_executor(),
                            .store = *store,
                            .clock = clock,
                            .metrics = metrics,
                            .bell = bell,
                            .rules = nullptr,
                            .presence = board};
    endpoints = livehelperchat_endpoint_kind().make(made.config.sources[0], context);
  }

  http::Request request(const std::string& method, const std::string& target) {
    http::Request made;
    made.message.method_string(method);
    made.message.target(target);
    made.message.set("Host", "chat.example");
    made.remote = "192.0.2.1";
    return made;
  }
  http::Response answer(http::Request asked) {
    http::Response response;
    bool ended = false;
    const auto ask = [&]() -> boost::asio::awaitable<void> {
      auto pending = endpoints->handle(asked);
      response = co_await std::move(pending);
      ended = true;
    };
    boost::asio::co_spawn(io, ask, [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
    io.restart();
    while (!ended) io.run_one();
    return response;
  }
  static std::string header(const http::Response& response, std::string_view name) {
    std::string found;
    int count = 0;
    for (const auto& [key, value] : response.headers)
      if (iequals_ascii(key, name)) {
        found = value;
        ++count;
      }
    EXPECT_LE(count, 1) << name;
    return count == 0 ? "-" : found;
  }

  ManualClock clock{from_ms(1'795'169'000'000)};
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays = boost::asio::make_work_guard(io);
  Metrics metrics;
  RoomBell bell;
  std::unique_ptr<store::Store> store;
  presence::Board board;
  std::unique_ptr<Endpoints> endpoints;
};

// With chats: `admin` may have everything (operator 7), `other` sees department 6 alone, `limited` may use no chats.
class FrontWithChats : public Front {
 protected:
  static constexpr const char* keys = R"(system: livehelperchat
serve: true
accounts:
  - {user: admin, key: "k:e:y", id: 7}
  - {user: other, key: other-key, departments: [6]}
  - {user: limited, key: limited-key, permissions: ["lhrestapi,use"]}
departments: [{id: 5, name: Sales}, {id: 6, name: Support}, {id: 8, name: Gone, disabled: true}]
message_length_max: 100
limits: {per_key: 1000000/min, per_address: 1000000/min, failed_logins: 1000000/min}
)";
  FrontWithChats() { serve(keys); }

  struct Said {
    int status = 0;
    json::value body;
    std::string text;
    const json::value& operator[](std::string_view key) const { return body.at(key); }
  };
  // `who`: an account, or "" for nobody. A body that begins with '{' is JSON, any other a form.
  Said ask(const std::string& who, const std::string& method, const std::string& view, const std::string& body = "") {
    http::Request made = request(method, "/restapi/" + view);
    const std::string key = who == "admin" ? "k:e:y" : who + "-key";
    if (!who.empty()) made.message.set("Authorization", "Basic " + base64_encode(who + ":" + key));
    if (!body.empty())
      made.message.set("Content-Type", body[0] == '{' ? "application/json" : "application/x-www-form-urlencoded");
    made.message.body() = body;
    const http::Response response = answer(std::move(made));
    Said said;
    said.status = response.status;
    said.text = response.body;
    if (auto parsed = parse_json(response.body)) said.body = std::move(*parsed);
    return said;
  }
  static bool is_error(const Said& said) { return find(said.body, "error") && said["error"] == true; }

  struct Chat {
    std::string id, hash;
  };
  static Chat chat_of(const json::value& record) {
    return {std::to_string(record.at("id").as_int64()), std::string(record.at("hash").as_string())};
  }
  // `where`: behind the view's name.
  Chat start(const std::string& where = "/(department)/5", const std::string& more = "") {
    const Said said = ask("admin", "POST", "startchat" + where, "Username=Ann&Question=Hello" + more);
    EXPECT_FALSE(is_error(said)) << said.text;
    return is_error(said) ? Chat() : chat_of(said["result"].at("chat"));
  }
  json::value record(const Chat& chat) { return ask("admin", "GET", "chat/" + chat.id)["result"]; }
  static std::string of(const Chat& chat) { return "chat_id=" + chat.id + "&hash=" + chat.hash; }
  // What fetchchatmessages shows: the texts, oldest first.
  std::vector<std::string> texts(const std::string& who, const std::string& query) {
    const Said said = ask(who, "GET", "fetchchatmessages?" + query);
    std::vector<std::string> found;
    if (const json::value* messages = find_path(said.body, {"result", "messages"}))
      for (const json::value& each : messages->as_array()) found.emplace_back(each.at("msg").as_string());
    else
      ADD_FAILURE() << said.text;
    return found;
  }

  // Runs a command in the store, as rules do.
  template <class Body>
  void commit(Body body) {
    std::promise<bool> committed;
    store->command(std::move(body), [&](const Result<bool>& result) { committed.set_value(result.has_value()); });
    ASSERT_TRUE(committed.get_future().get());
  }
  conversations::Call call() const {
    conversations::Call call;
    call.source = "status";
    call.now = clock.now();
    return call;
  }
  std::vector<store::StoredEvent> stored_events() { return *store->open_reader()->unplanned(0, 10'000); }
  std::vector<Event> events(std::string_view type = {}) {
    std::vector<Event> found;
    for (const store::StoredEvent& stored : stored_events())
      if (auto event = served_event_from_body(stored.body); event && (type.empty() || event->type == type))
        found.push_back(std::move(*event));
    return found;
  }
  bool is_in_an_event(std::string_view text) {
    const auto all = stored_events();
    return std::ranges::any_of(all, [&](const auto& each) { return each.body.find(text) != std::string::npos; });
  }
};

}  // namespace chatrelay::systems::livehelperchat::endpoints
