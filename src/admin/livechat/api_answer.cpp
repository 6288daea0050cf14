#include "admin/livechat/api_answer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/text.hpp"
#include "common/units.hpp"

namespace chatrelay::admin::livechat {

namespace {

constexpr std::size_t text_bytes_max = 300;
constexpr Millis retry_after_max{60'000};

std::string safe(std::string_view text) {
  return printable(redactor::redact(repair_utf8(text)), text_bytes_max);
}

std::string type_by_status(int status) {
  switch (status) {
    case 401:
      return "authentication";
    case 403:
      return "authorization";
    case 421:
      return "misdirected_request";
    case 429:
      return "too_many_requests";
    default:
      return status >= 500 ? "internal" : "not_the_api";
  }
}

// The scopes as the Configuration API and the Agent Chat API document them.
std::string_view scopes_of(std::string_view action) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> scopes{{
      {"register_webhook", "webhooks.configuration:rw"},
      {"list_webhooks", "webhooks.configuration:rw"},
      {"unregister_webhook", "webhooks.configuration:rw"},
      {"enable_license_webhooks", "webhooks.state:rw"},
      {"get_license_webhooks_state", "webhooks.state:ro"},
      {"create_bot", "agents-bot--my:rw"},
      {"list_bots", "agents-bot--all:ro"},
      {"list_routing_statuses", "agents--all:ro and agents-bot--all:ro"},
      {"set_routing_status", "agents-bot--my:rw"},
  }};
  for (const auto& [name, scope] : scopes)
    if (name == action) return scope;
  return "of this action";
}

std::string next_step(const ApiProblem& problem, std::string_view action, const systems::LivechatApi& api) {
  const std::string& type = problem.type;
  if (type == "authentication")
    return "the token is not taken. api.account is the Account ID and api.token the personal access token itself, not "
           "the Base64 text of both; a new one is made in the Developer Console (Settings, Authorization, Personal "
           "Access Tokens)";
  if (type == "authorization")
    return "the token may not do this: give it the scope " + std::string(scopes_of(action)) +
           " in the Developer Console, and see that api.client_id is an app of this account";
  if (type == "validation")
    return "compare api.actions, api.filters, api.additional_data, api.client_id and listen.public_url with what "
           "version " +
           api.version + " of the Configuration API takes";
  if (type == "limit_reached")
    return "LiveChat keeps three registrations of an action for a Client ID: see `chatrelay webhooks list`, and remove "
           "one that nobody "
           "needs with `chatrelay webhooks unregister NAME --id ID`";
  if (type == "already_exists") return "see what there is with `chatrelay webhooks list`";
  if (type == "too_many_requests") return "wait some minutes and run the command again: what is done stays done";
  if (type == "misdirected_request")
    return "the account lives in another data centre" +
           (problem.region.empty() ? std::string() : " (" + problem.region + ")") +
           ", and the request was refused there as well: tell LiveChat's support";
  if (type == "unsupported_version") return "set api.version to one that LiveChat still serves";
  if (type == "license_expired" || type == "license_not_found")
    return "the licence of this account has ended: renew it, or use another account";
  if (type == "not_found") return "what was named is not there (any more): see `chatrelay webhooks list`";
  if (type == "unreachable") return "see that this machine reaches " + api.base_url + ", and run the command again";
  if (type == "no_answer")
    return "it may have been done all the same; run the command again: what is there already is found, and what is "
           "there twice is removed";
  if (type == "not_the_api") return "see that api.base_url (" + api.base_url + ") is LiveChat's API";
  return "run the command again in some minutes; if it stays, tell LiveChat's support";
}

ErrorKind kind_of(const std::string& type) {
  if (type == "authentication" || type == "authorization") return ErrorKind::unauthorized;
  if (type == "not_found") return ErrorKind::not_found;
  for (const std::string_view bad : {"validation", "limit_reached", "already_exists", "unsupported_version",
                                     "license_expired", "license_not_found", "not_the_api"})
    if (type == bad) return ErrorKind::invalid;
  return ErrorKind::unavailable;
}

Millis retry_after(const http::ClientResponse& response) {
  const std::string* header = http::find_header(response.headers, "retry-after");
  const auto wait = header ? parse_duration(std::string(trim(*header)) + "s") : Result<Millis>(Millis{0});
  return wait ? std::min(*wait, retry_after_max) : Millis{0};
}

ApiProblem unanswered(const http::ClientResponse& response) {
  ApiProblem problem;
  problem.type = response.progress == http::Progress::not_sent ? "unreachable" : "no_answer";
  problem.message = safe(response.error);
  return problem;
}

}  // namespace

std::optional<ApiProblem> read_answer(const http::ClientResponse& response, json::value& value) {
  if (response.progress != http::Progress::answered) return unanswered(response);
  ApiProblem problem;
  problem.status = response.status;
  if (const std::string* id = http::find_header(response.headers, "x-debug-id")) problem.debug_id = safe(*id);
  const auto body = trim(response.body).empty() ? Result<json::value>(json::object{}) : parse_json(response.body);
  const json::value* error = body ? find(*body, "error") : nullptr;
  if (response.status == 200 && body && !error) {
    value = *body;
    return std::nullopt;
  }
  problem.retry_after = retry_after(response);
  if (!error) {
    problem.type = response.status == 200 ? "not_the_api" : type_by_status(response.status);
    problem.message = body ? "an answer without a reason" : "an answer that is not JSON";
    return problem;
  }
  problem.type = safe(strict_string_at(*error, "type").value_or(type_by_status(response.status)));
  problem.message = safe(strict_string_at(*error, "message").value_or(""));
  if (const json::value* region = find_path(*error, {"data", "region"}); region && region->is_string())
    problem.region = safe(region->get_string());
  return problem;
}

Error explain(const ApiProblem& problem, std::string_view action, const systems::LivechatApi& api,
              const std::string& source) {
  std::string text = "LiveChat, " + std::string(action) + " (source " + source + "): " + problem.type;
  if (problem.status != 0) text += " (HTTP " + std::to_string(problem.status) + ")";
  if (!problem.message.empty()) text += ", \"" + problem.message + "\"";
  if (!problem.debug_id.empty()) text += ", x-debug-id " + problem.debug_id;
  return Error(kind_of(problem.type), text + ":\n" + next_step(problem, action, api));
}

}  // namespace chatrelay::admin::livechat
