#include "admin/api/authorize.hpp"

#include <algorithm>

#include "admin/api/handlers.hpp"
#include "admin/api/waiter.hpp"
#include "common/json.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::api {
namespace {

bool is_disabled(Context& context, const std::string& name) {
  const auto all = context.destination_status();
  return std::ranges::any_of(all, [&](const auto& one) { return one.name == name && one.disabled && !one.paused; });
}

}  // namespace

http::Response authorization_begun(Context& context, const std::string& name, Fields& fields) {
  const std::string redirect_uri = fields.text("redirect_uri");
  if (redirect_uri.empty()) fields.fail("\"redirect_uri\" is missing: the address that is registered with the service");
  if (const auto error = fields.error()) return error_response(*error);
  const auto begun = context.authorization.begin(name, redirect_uri);
  if (!begun) return error_response(begun.error());
  return json_response(200, json::object{{"name", name}, {"address", begun->address}, {"state", begun->state}});
}

awaitable<http::Response> authorization_finished(Context& context, std::string name, Fields& fields) {
  std::string state = fields.text("state");
  std::string code = fields.text("code");
  if (state.empty()) fields.fail("\"state\" is missing");
  if (code.empty()) fields.fail("\"code\" is missing");
  if (const auto error = fields.error()) co_return error_response(*error);
  std::string destination = name;
  auto finished = co_await context.authorization.finish(std::move(destination), std::move(state), std::move(code));
  if (!finished) {
    const bool refused = finished.error().kind == ErrorKind::unauthorized;
    const Error error(refused ? ErrorKind::conflict : finished.error().kind, finished.error().message);
    co_return error_response(error);
  }
  const bool resumes = is_disabled(context, name);
  if (resumes) {
    Waiter<void> waiter(context.executor);
    context.resume(name, waiter.callback());
    const auto resumed = co_await waiter.wait(write_limit);
    if (!resumed) co_return error_response(resumed.error());
  }
  const json::value shown(std::move(*finished));
  const json::value* expires_in = find(shown, "expires_in");
  const json::object done{{"name", name},
                          {"authorized", true},
                          {"scope", or_null(strict_string_at(shown, "scope"))},
                          {"expires_in", expires_in ? *expires_in : json::value(nullptr)},
                          {"resumed", resumes}};
  co_return json_response(200, done);
}

awaitable<http::Response> begin_authorization(Call& call) {
  co_return authorization_begun(call.context(), call.names["name"], call.fields);
}

awaitable<http::Response> finish_authorization(Call& call) {
  auto done = co_await authorization_finished(call.context(), call.names["name"], call.fields);
  co_return done;
}

}  // namespace chatrelay::admin::api
