#include "systems/livehelperchat/endpoints/livehelperchat_endpoints.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <string>
#include <utility>

#include "common/assert.hpp"
#include "systems/livehelperchat/endpoints/api.hpp"
#include "systems/livehelperchat/endpoints/origins.hpp"
#include "systems/livehelperchat/endpoints/output.hpp"
#include "systems/livehelperchat/endpoints/swagger.hpp"

namespace chatrelay::systems {

namespace livehelperchat::endpoints {

namespace {

std::vector<Route> all_routes() {
  std::vector<Route> all;
  for (std::vector<Route>& routes : std::vector{status_routes(), operator_routes(), department_routes(), chat_routes(),
                                                message_routes(), tracking_routes()})
    std::ranges::move(routes, std::back_inserter(all));
  // Without a handler: the document needs the whole table, itself with it.
  Route document;
  document.view = "swagger";
  document.methods = {"GET"};
  document.needs_account = false;
  document.shape = Shape::result_400;
  document.summary = "This document";
  all.push_back(std::move(document));
  return all;
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

bool takes(const Route& route, std::string_view method) {
  const std::string_view as = method == "HEAD" ? "GET" : method;
  return std::ranges::find(route.methods, as) != route.methods.end();
}

class LivehelperchatEndpoints final : public Endpoints {
 public:
  LivehelperchatEndpoints(Serving serving, const EndpointContext& context)
      : origins_(serving.origins),
        body_bytes_max_(context.body_bytes_max),
        routes_(all_routes()),
        document_(describe(routes_)),
        api_(std::move(serving), context) {
    for (const Route& route : routes_) add(route);
  }

  awaitable<http::Response> handle(http::Request& request) override {
    http::Response response(500);
    try {
      auto pending = judge(request);
      response = co_await std::move(pending);
    } catch (const std::exception& error) {
      const Error internal(ErrorKind::internal, error.what());
      response = render(broken(Shape::result, internal), Format());
    }
    origins_.add_headers(request, response);
    co_return response;
  }

  void stop_waiting() override {}  // no call waits for news

 private:
  using SameView = std::vector<const Route*>;

  void add(const Route& route) {
    SameView& same = views_[std::string(route.view)];
    for (const Route* other : same)
      for (const std::string_view method : route.methods)
        CHATRELAY_ASSERT(!takes(*other, method), "the same view and method were added twice");
    same.push_back(&route);
  }

  awaitable<http::Response> judge(http::Request& request) {
    std::optional<UrlForm> form = parse_url_form(request.path());
    const auto found = form ? views_.find(form->view) : views_.end();
    if (found == views_.end()) co_return plain(404, Shape::result_400, "There is no such endpoint!");
    if (request.method() == "OPTIONS") co_return options(found->second, request);
    const Shape shape = found->second.front()->shape;
    if (origins_.is_foreign(request) && !is_safe(request.method()))
      co_return plain(403, shape, "Scripts of this site may not call!");
    if (request.message.body().size() > body_bytes_max_) co_return plain(413, shape, "The body is too large!");
    const auto fits = [&request](const Route* each) { return takes(*each, request.method()); };
    const auto route = std::ranges::find_if(found->second, fits);
    if (route == found->second.end()) co_return other_method(found->second, shape);

    const Format format = (**route).formatted ? read_format(request.query()) : Format();
    if (format.is_refused) co_return plain(400, shape, "The callback must be a name: letters, digits, _ $ . [ ]");
    Ask ask(request, std::move(*form), (**route).shape, api_.now());
    auto pending = serve(**route, ask);
    const Reply reply = co_await std::move(pending);
    http::Response response = render(reply, format);
    keep_nowhere(response);
    co_return response;
  }

  // The order of checks: the limit of an address, or the account and its limit, then whether there is a body to read;
  // the rest is the handler's. Who needs no account is told what is wrong with the body by the handlers that read one.
  awaitable<Reply> serve(const Route& route, Ask& ask) {
    if (ask.query_is_broken) co_return failed_with(400, route.shape, "The query cannot be read!");
    if (route.needs_account) {
      auto pending = api_.authenticate(ask);
      std::optional<Reply> refused = co_await std::move(pending);
      if (refused) co_return std::move(*refused);
      ask.read_body();
      if (!ask.body_fault.empty()) co_return failed(route.shape, ask.body_fault);
    } else if (route.counted) {
      const CallLimits::Verdict verdict = api_.limits().take_address(ask.address(), ask.now);
      if (!verdict.allowed) co_return CallLimits::too_many(route.shape, verdict, "requests");
      ask.read_body();
    }
    if (!route.handler) co_return Reply(json::value(document_));
    auto pending = route.handler(api_, ask);
    co_return co_await std::move(pending);
  }

  http::Response options(const SameView& same, const http::Request& request) const {
    http::Response response = origins_.options(request);
    response.headers.emplace_back("Allow", allowed(same));
    return response;
  }

  static std::string allowed(const SameView& same) {
    std::string methods = "OPTIONS";
    for (const Route* route : same)
      for (const std::string_view method : route->methods) {
        methods.append(", ").append(method);
        if (method == "GET") methods += ", HEAD";
      }
    return methods;
  }

  static http::Response other_method(const SameView& same, Shape shape) {
    http::Response response = plain(405, shape, "The method is not allowed here!");
    response.headers.emplace_back("Allow", allowed(same));
    return response;
  }

  static http::Response plain(int status, Shape shape, std::string_view text) {
    http::Response response = render(failed_with(status, shape, text), Format());
    keep_nowhere(response);
    return response;
  }

  // But what a handler says may be kept.
  static void keep_nowhere(http::Response& response) {
    const auto is_named = [](const auto& header) { return header.first == "Cache-Control"; };
    if (std::ranges::none_of(response.headers, is_named)) response.headers.emplace_back("Cache-Control", "no-store");
  }

  Origins origins_;
  std::uint64_t body_bytes_max_;
  const std::vector<Route> routes_;  // views_ points into it
  const json::object document_;
  Api api_;
  std::map<std::string, SameView, std::less<>> views_;
};

// Under any of its forms (url_form.hpp): prefixes alone cannot say "/<language>/restapi/" and
// "/<folder>/index.php/restapi/". Most requests of other systems end in the first line, without anything being decoded.
bool is_path_of_api(std::string_view path) {
  if (path.find('%') == path.npos && path.find("restapi") == path.npos) return false;
  return parse_url_form(path).has_value();
}

std::unique_ptr<Endpoints> make(const config::SourceConfig& config, const EndpointContext& context) {
  return std::make_unique<LivehelperchatEndpoints>(read_serving(config), context);
}

}  // namespace

}  // namespace livehelperchat::endpoints

EndpointKind livehelperchat_endpoint_kind() {
  return {"livehelperchat", &livehelperchat::endpoints::is_path_of_api, &livehelperchat::endpoints::check_serving,
          &livehelperchat::endpoints::make};
}

}  // namespace chatrelay::systems
