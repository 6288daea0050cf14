#include "admin/api/api.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include <boost/beast/http/field.hpp>

#include "admin/api/handlers.hpp"
#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::api {
namespace {

namespace beast_http = boost::beast::http;

struct Route {
  std::string_view method;
  std::string_view pattern;
  Handler handler;
};

// The documentation of these is api.md.
constexpr Route routes[] = {
    {"GET", "/healthz", healthz},
    {"GET", "/readyz", readyz},
    {"GET", "/metrics", metrics},
    {"GET", "/api/version", show_version},
    {"GET", "/api/events", list_events},
    {"GET", "/api/events/tail", tail_events},
    {"GET", "/api/events/{id}", show_event},
    {"GET", "/api/chats", list_chats},
    {"GET", "/api/chats/{source}/{id}", show_chat},
    {"GET", "/api/links", list_links},
    {"GET", "/api/deliveries", list_deliveries},
    {"POST", "/api/deliveries/retry", retry_deliveries},
    {"POST", "/api/deliveries/cancel", cancel_deliveries},
    {"GET", "/api/deliveries/{id}", show_delivery},
    {"POST", "/api/replay", replay_events},
    {"GET", "/api/destinations", list_destinations},
    {"POST", "/api/destinations/{name}/pause", pause_destination},
    {"POST", "/api/destinations/{name}/resume", resume_destination},
    {"POST", "/api/destinations/{name}/test", test_destination},
    {"POST", "/api/destinations/{name}/authorize", begin_authorization},
    {"POST", "/api/destinations/{name}/authorize/finish", finish_authorization},
    {"GET", "/api/presence", show_presence},
    {"POST", "/api/presence", set_presence},
    {"POST", "/api/backup", backup_store},
    {"POST", "/api/reload", reload_config},
};

std::string_view header(const http::Request& request, beast_http::field name) {
  const auto found = request.message.find(name);
  return found == request.message.end() ? std::string_view{}
                                        : std::string_view(found->value().data(), found->value().size());
}

// A web site that an operator visits may send requests here from the operator's own browser; the browser says whose
// page it was.
bool from_another_site(const http::Request& request) {
  // A page can fetch with GET without an Origin, unseen: it could not read the answer, but hold the tails. A link that
  // is clicked is fine.
  if (request.header("Sec-Fetch-Site") == "cross-site" && request.header("Sec-Fetch-Mode") != "navigate") return true;
  if (request.message.count(beast_http::field::origin) == 0) return false;
  const auto origin = header(request, beast_http::field::origin);
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return true;  // "null": a sandboxed page or a file
  return !iequals_ascii(origin.substr(scheme + 3), header(request, beast_http::field::host));
}

bool has_token(const http::Request& request, const Secret& token) {
  constexpr std::string_view scheme = "Bearer ";
  const auto given = header(request, beast_http::field::authorization);
  if (!iequals_ascii(given.substr(0, scheme.size()), scheme)) return false;
  return token.matches(trim(given.substr(scheme.size())));
}

// Supervisors and load balancers have no token; they learn nothing but whether the daemon is well.
bool is_open(std::string_view path) {
  return path == "/healthz" || path == "/readyz";
}

std::optional<http::Response> refuse(const http::Request& request, const Context& context) {
  if (from_another_site(request))
    return json_response(403, json::object{{"error", "requests from other web sites are refused"}});
  if (!is_open(request.path()) && !context.admin_token.empty() && !has_token(request, context.admin_token)) {
    auto response = json_response(
        401, json::object{{"error", "the admin token is missing or wrong: send Authorization: Bearer TOKEN"}});
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  // An HTML form can be posted across sites without asking; JSON cannot.
  if (request.method() == "POST") {
    const auto type = header(request, beast_http::field::content_type);
    if (!iequals_ascii(trim(type.substr(0, type.find(';'))), "application/json"))
      return json_response(415, json::object{{"error", "Content-Type must be application/json"}});
  }
  return std::nullopt;
}

// The fields of a request: query parameters of a GET, members of the JSON object of a POST.
Result<Fields> fields_of(const http::Request& request) {
  if (request.method() != "POST") return Fields::of_query(request.query());
  if (!request.query().empty()) return invalid("this request takes its fields in the JSON body, not in the query");
  if (trim(request.message.body()).empty()) return Fields{json::object{}};
  auto parsed = parse_json(request.message.body());
  if (!parsed) return invalid("the body is not JSON: " + parsed.error().message);
  if (!parsed->is_object()) return invalid("the body must be a JSON object");
  return Fields{std::move(parsed->get_object())};
}

awaitable<http::Response> serve_route(std::shared_ptr<Services> services, Handler handler, http::Request& request,
                                      const http::Captures& names) {
  auto fields = fields_of(request);
  if (!fields) co_return error_response(fields.error());
  Call call(services, request, names, std::move(*fields));
  auto response = co_await handler(call);
  co_return response;
}

}  // namespace

http::Response json_response(int status, const json::value& value) {
  return http::Response(status, json::serialize(value) + "\n", "application/json");
}

http::Response error_response(const Error& error) {
  const int status = [&] {
    switch (error.kind) {
      case ErrorKind::invalid:
        return 400;
      case ErrorKind::not_found:
        return 404;
      case ErrorKind::unauthorized:
        return 401;
      case ErrorKind::conflict:
        return 409;
      case ErrorKind::too_large:
        return 413;
      case ErrorKind::unavailable:
        return 503;
      case ErrorKind::internal:
        return 500;
    }
    return 500;
  }();
  return json_response(status, json::object{{"error", repair_utf8(error.message)}});
}

Api::Api(Context context) : services_(std::make_shared<Services>(std::move(context))) {
  for (const Route& route : routes) {
    router_.add(route.method, route.pattern,
                [services = services_, handler = route.handler](http::Request& request, const http::Captures& names) {
                  return serve_route(services, handler, request, names);
                });
  }
}

Api::~Api() {
  close_streams();
}

void Api::close_streams() {
  services_->closing = true;
}
std::size_t Api::open_streams() const {
  return services_->tails;
}

awaitable<http::Response> Api::handle(http::Request& request) {
  http::Response response;
  if (auto refused = refuse(request, services_->context)) {
    response = std::move(*refused);
  } else {
    response = co_await router_.handle(request);
  }
  // The router's own refusals are plain text; here every error is JSON.
  if (response.status >= 400 && response.content_type.starts_with("text/plain")) {
    response.body = json::serialize(json::object{{"error", repair_utf8(trim(response.body))}}) + "\n";
    response.content_type = "application/json";
  }
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

}  // namespace chatrelay::admin::api
