#include "systems/rocketchat/endpoints/rocketchat_endpoints.hpp"

#include <deque>
#include <exception>
#include <map>
#include <set>
#include <utility>

#include "common/json.hpp"
#include "systems/rocketchat/endpoints/api.hpp"
#include "systems/rocketchat/endpoints/call_limits.hpp"
#include "systems/rocketchat/endpoints/cross_origin.hpp"
#include "systems/rocketchat/endpoints/room_waiters.hpp"

namespace chatrelay::systems {

namespace rocketchat::endpoints {

namespace {

constexpr std::string_view prefix = "/api/v1/livechat/";

// Whom the call counts for, before anything of it is checked.
std::string token_of(const Route& route, const Ask& ask) {
  if (route.operators_only) return std::string(ask.request().header("X-Auth-Token"));
  if (const std::string& captured = ask.capture("token"); !captured.empty()) return captured;
  if (const auto token = string_at(ask.input, "token")) return *token;
  const json::value* visitor = find(ask.input, "visitor");
  return visitor ? string_at(*visitor, "token").value_or("") : "";
}

bool is_operator(const Serving& serving, const http::Request& request) {
  const bool known = serving.is_operator(request.header("X-Auth-Token"));
  return known && !request.header("X-User-Id").empty();
}

// The router's own answers are text; clients of this API parse every answer as JSON.
void make_json(http::Response& response) {
  if (response.status < 400 || response.content_type == "application/json") return;
  std::string_view error = "Invalid path";
  if (response.status == 404) error = "API endpoint does not exist";
  if (response.status == 405) error = "Method not allowed";
  json::object body;
  body["success"] = false;
  body["error"] = error;
  http::Response told = answer(response.status, body);
  told.headers.insert(told.headers.end(), response.headers.begin(), response.headers.end());
  response = std::move(told);
}

class RocketchatEndpoints final : public Endpoints {
 public:
  RocketchatEndpoints(Serving serving, const EndpointContext& context)
      : cross_origin_(serving.origins),
        limits_(serving.limits),
        body_bytes_max_(context.body_bytes_max),
        api_(std::move(serving), context) {
    for (const auto& routes : {message_routes(), history_routes(), bulk_routes(), visitor_routes(), room_routes(),
                               offline_routes(), config_routes()})
      for (const Route& route : routes) add(route);
    add_options();
  }

  awaitable<http::Response> handle(http::Request& request) override {
    http::Response response(500);
    try {
      auto pending = judge(request);
      response = co_await std::move(pending);
    } catch (const std::exception& error) {
      const Error internal(ErrorKind::internal, error.what());
      response = broken(internal);
    }
    co_return response;
  }

  void stop_waiting() override { api_.waiters().stop(); }

 private:
  void add(const Route& route) {
    const Route& kept = routes_.emplace_back(route);
    const std::string pattern = std::string(prefix) + std::string(route.pattern);
    router_.add(route.method, pattern, [this, &kept](http::Request& request, const http::Captures& captures) {
      return serve(kept, request, captures);
    });
  }

  // One for each pattern, whatever its captures are called.
  void add_options() {
    struct Same {
      std::string pattern;
      std::set<std::string> methods;
    };
    std::map<std::string, Same> patterns;
    for (const Route& route : routes_) {
      std::string shape;
      bool inside = false;
      for (const char c : route.pattern) {
        if (c == '}') inside = false;
        if (!inside) shape += c;
        if (c == '{') inside = true;
      }
      Same& same = patterns[shape];
      same.pattern = std::string(prefix) + std::string(route.pattern);
      same.methods.insert(std::string(route.method));
      if (route.method == "GET") same.methods.insert("HEAD");
    }
    for (const auto& [shape, same] : patterns) {
      std::string allowed = "OPTIONS";
      for (const std::string& method : same.methods) allowed += ", " + method;
      router_.add("OPTIONS", same.pattern,
                  [allowed](http::Request&, const http::Captures&) -> awaitable<http::Response> {
                    return tell_methods(allowed);
                  });
    }
  }

  static awaitable<http::Response> tell_methods(std::string allowed) {
    http::Response response(204);
    response.headers.emplace_back("Allow", std::move(allowed));
    co_return response;
  }

  awaitable<http::Response> judge(http::Request& request) {
    const CrossOrigin::Verdict verdict = cross_origin_.judge(request);
    if (CrossOrigin::is_preflight(request)) co_return cross_origin_.preflight(request, verdict);
    const std::string_view method = request.method();
    const bool is_safe = method == "GET" || method == "HEAD" || method == "OPTIONS";
    http::Response response(403);
    if (verdict == CrossOrigin::Verdict::foreign && !is_safe) {
      response = failure("origin-not-allowed");
      response.status = 403;
    } else if (request.message.body().size() > body_bytes_max_) {
      response = failure("the body is too large");
      response.status = 413;
    } else {
      auto pending = router_.handle(request);
      response = co_await std::move(pending);
      make_json(response);
    }
    cross_origin_.add_headers(request, verdict, response);
    co_return response;
  }

  // The order of checks: rate limit, operator, schema; the rest is the handler's. Of an address that used up its calls
  // nothing is read.
  awaitable<http::Response> serve(const Route& route, http::Request& request, const http::Captures& captures) {
    const WallTime now = api_.now();
    auto verdict = limits_.take_address(route.limit, request.remote, now);
    http::Response response;
    if (!verdict.allowed) {
      response = CallLimits::too_many(verdict);
      CallLimits::add_headers(verdict, response);
      co_return response;
    }
    Ask ask(request, captures, now);
    const std::string token = token_of(route, ask);
    verdict = limits_.take_token(route.limit, token, ask.address(), verdict, now);
    if (!verdict.allowed) {
      response = CallLimits::too_many(verdict);
    } else if (route.operators_only && !is_operator(api_.serving(), request)) {
      response = unauthorized();
    } else if (ask.query_is_broken) {
      response = failure("Invalid query parameters");
    } else if (auto failed = route.schema ? misfit(*route.schema, ask, route.shape) : std::nullopt) {
      response = std::move(*failed);
    } else {
      auto pending = route.handler(api_, ask);
      response = co_await std::move(pending);
    }
    CallLimits::add_headers(verdict, response);
    co_return response;
  }

  CrossOrigin cross_origin_;
  CallLimits limits_;
  std::uint64_t body_bytes_max_;
  Api api_;
  std::deque<Route> routes_;  // handlers in the router point into it
  http::Router router_;
};

std::unique_ptr<Endpoints> make(const config::SourceConfig& config, const EndpointContext& context) {
  return std::make_unique<RocketchatEndpoints>(read_serving(config), context);
}

}  // namespace

}  // namespace rocketchat::endpoints

EndpointKind rocketchat_endpoint_kind() {
  const auto serves = [](std::string_view path) { return path.starts_with("/api/v1/livechat/"); };
  return {"rocketchat", serves, &rocketchat::endpoints::check_serving, &rocketchat::endpoints::make};
}

}  // namespace chatrelay::systems
