// Api: what the handlers of one source share, and one request as they see it. A handler is called after the rate limit
// and its route's schema; it looks at the token, the room and the rest in that order, and answers after the commit.
//
// How a handler looks (name what is awaited first; build nothing inside co_await):
//
//   awaitable<http::Response> close(Api& api, Ask& ask) {
//     conversations::CloseRoom command{api.call(ask), ask.string("token"), ask.string("rid"), …};
//     auto pending = api.run(std::move(command), &conversations::close_room);
//     const auto answer = co_await std::move(pending);
//     if (!answer) co_return broken(answer.error());
//     if (!*answer) co_return refused(answer->refusal);
//     const conversations::OpenedRoom& closed = *answer->value;
//     api.ring(closed.room.id);
//     …
//     co_return success(std::move(fields));
//   }
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/ids.hpp"
#include "http/router.hpp"
#include "http/url.hpp"
#include "systems/endpoint_commands.hpp"
#include "systems/endpoints.hpp"
#include "systems/rocketchat/endpoints/answers.hpp"
#include "systems/rocketchat/endpoints/records.hpp"
#include "systems/rocketchat/endpoints/schema.hpp"
#include "systems/rocketchat/endpoints/serving.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

using boost::asio::awaitable;

// Of a visitor, a room or a message: 17 characters, 101 bits.
inline std::string new_id() {
  return random_id(17);
}

class RoomWaiters;

// One request.
class Ask {
 public:
  Ask(http::Request& request, const http::Captures& captures, WallTime now);

  // The captures of the route's pattern; empty if there is no such one.
  const std::string& capture(std::string_view name) const { return captures_[name]; }
  // What the schema was checked against: the query of GET, else the body as Rocket.Chat parses bodies (what is not JSON
  // is {}). Without a schema it may be any JSON.
  json::value input;
  bool input_is_query = false;
  bool query_is_broken = false;
  const http::Parameters& query() const { return query_; }  // of any method, not coerced

  // Members of `input`: "" or nullopt unless it is a string there.
  std::string string(std::string_view key) const;
  std::optional<std::string> optional_string(std::string_view key) const;  // a blank one is there
  std::optional<double> number(std::string_view key) const;
  // `input` without tokens, for an event's `raw`; null if it is nested too deep to be read back, and only its size if
  // that is over 64 KiB.
  json::value raw() const;

  WallTime now;
  const std::string& address() const { return request_.remote; }
  std::string user_agent() const;  // Limit: 512 bytes
  bool is_widget() const;          // cookies rc_is_widget=t and rc_room_type=l
  const http::Request& request() const { return request_; }

 private:
  http::Request& request_;
  const http::Captures& captures_;
  http::Parameters query_;
};

// Who asks, and in which room: read together, as committed.
struct Known {
  conversations::VisitorView visitor;
  conversations::RoomView room;
};

// Thread: ingest's. Lifetime: what the context refers to outlives it.
class Api {
 public:
  Api(Serving serving, const EndpointContext& context);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  const Serving& serving() const { return serving_; }
  const std::string& source() const { return serving_.source; }
  const rules::RuleSet& rules() const { return *context_.rules; }
  Metrics& metrics() const { return context_.metrics; }
  WallTime now() const { return context_.clock.now(); }
  store::Reader& reader();  // opened at the first use, on the thread that uses it
  RoomWaiters& waiters() { return *waiters_; }

  conversations::Call call(const Ask& ask) const;
  bool is_too_long(std::string_view said) const;  // over message_length_max

  // Looks up the visitor (invalid-token), and with `room_id` the room too (invalid-room), which is the visitor's, open
  // or closed. Returns the failure to answer, or nullopt and fills `known`.
  std::optional<http::Response> find(std::string_view token, std::optional<std::string_view> room_id, Known& known);

  // Runs a command of conversations/ in the store and waits for its commit.
  template <class T, class C>
  awaitable<Result<conversations::Answer<T>>> run(C command,
                                                  conversations::Answer<T> (*apply)(store::Transaction&, const C&)) {
    return commands_.run(std::move(command), apply);
  }

  // Something was committed in the room: wakes everybody who waits for news of it.
  void ring(const std::string& room_id) { context_.bell.ring(serving_.source, room_id); }

 private:
  Serving serving_;
  EndpointContext context_;
  std::unique_ptr<store::Reader> reader_;
  EndpointCommands commands_;
  std::unique_ptr<RoomWaiters> waiters_;
};

// The failure to answer when the request's input does not fit; coerces it otherwise. For handlers whose route has no
// schema of its own.
std::optional<http::Response> misfit(const Schema& schema, Ask& ask, Shape shape = Shape::plain);

// ---- the table of handlers

using RouteHandler = awaitable<http::Response> (*)(Api& api, Ask& ask);

struct Route {
  std::string_view method;   // GET serves HEAD too
  std::string_view pattern;  // below the prefix: "room.close", "visitor/{token}"
  RouteHandler handler = nullptr;
  Limit limit = Limit::standard;
  const Schema* schema = nullptr;  // of the query for GET, else of the body; nullptr: the handler looks itself
  Shape shape = Shape::plain;
  bool operators_only = false;  // X-Auth-Token is one of operator_tokens, else 401 before the schema
};

inline Route route(std::string_view method, std::string_view pattern, RouteHandler handler, const Schema* schema) {
  Route made;
  made.method = method;
  made.pattern = pattern;
  made.handler = handler;
  made.schema = schema;
  return made;
}

// The limit of a token counts the token that the request names: a capture {token}, the member `token` of its input, or
// `token` in its member `visitor`; of operators' routes X-Auth-Token.
std::vector<Route> message_routes();  // message_*.cpp
std::vector<Route> history_routes();  // messages_history.cpp
std::vector<Route> bulk_routes();     // messages_bulk.cpp
std::vector<Route> visitor_routes();  // visitor_*.cpp: visitor, visitor.status, custom.field(s), page.visited
std::vector<Route> room_routes();     // room_*.cpp: room, room.close, room.survey, transcript, agent.info, agent.next
std::vector<Route> offline_routes();  // offline_*.cpp
std::vector<Route> config_routes();   // config_*.cpp

}  // namespace chatrelay::systems::rocketchat::endpoints
