// POST /api/backup, POST /api/reload, GET /api/version.
#include <filesystem>

#include "admin/api/handlers.hpp"
#include "admin/api/views.hpp"

namespace chatrelay::admin::api {
namespace {

constexpr Millis backup_limit =
    std::chrono::hours(4);  // copying goes in small steps beside the writers: gigabytes take long
constexpr Millis reload_limit = std::chrono::minutes(2);

json::array view_problems(const config::Problems& problems) {
  json::array out;
  for (const config::Problem& problem : problems.list()) {
    out.push_back(json::object{{"file", text_value(problem.where.file)},
                               {"line", problem.where.line},
                               {"message", text_value(problem.message)},
                               {"warning", problem.warning}});
  }
  return out;
}

}  // namespace

awaitable<http::Response> backup_store(Call& call) {
  const std::string file = call.fields.text("file");
  if (file.empty() || !std::filesystem::path(file).is_absolute())
    call.fields.fail("\"file\" must be an absolute path: the daemon's own folder is not yours");
  if (file.find('\0') != std::string::npos) call.fields.fail("\"file\" holds a NUL character");
  if (const auto error = call.fields.error()) co_return error_response(*error);
  Waiter<std::uint64_t> waiter(call.context().executor);
  call.context().store.backup(file, waiter.callback());
  const auto bytes = co_await waiter.wait(backup_limit);
  if (!bytes) co_return error_response(bytes.error());
  const json::object done{{"file", text_value(file)}, {"bytes", *bytes}};
  co_return json_response(200, done);
}

awaitable<http::Response> reload_config(Call& call) {
  if (const auto error = call.fields.error()) co_return error_response(*error);
  Waiter<config::Problems> waiter(call.context().executor);
  const auto reply = waiter.callback();
  call.context().reload([reply](config::Problems problems) { reply(std::move(problems)); });
  const auto problems = co_await waiter.wait(reload_limit);
  if (!problems) co_return error_response(problems.error());
  json::object done{{"reloaded", !problems->has_errors()}, {"problems", view_problems(*problems)}};
  if (problems->has_errors()) done["error"] = "the configuration has errors; nothing was changed";
  co_return json_response(problems->has_errors() ? 422 : 200, done);
}

awaitable<http::Response> show_version(Call& call) {
  if (const auto error = call.fields.error()) co_return error_response(*error);
  const json::object done{{"version", call.context().version},
                          {"config", text_value(call.context().config_file)},
                          {"started_at", format_rfc3339(call.context().started_at)}};
  co_return json_response(200, done);
}

}  // namespace chatrelay::admin::api
