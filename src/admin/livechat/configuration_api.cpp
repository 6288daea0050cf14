#include "admin/livechat/configuration_api.hpp"

#include <algorithm>
#include <utility>

#include "common/crypto.hpp"
#include "common/text.hpp"
#include "common/units.hpp"

namespace chatrelay::admin::livechat {

namespace {

constexpr Millis first_pause{1'000};
constexpr Millis pause_max{30'000};
constexpr Millis patience{180'000};  // Limit: of all waits of one call; LiveChat does not say how long it blocks
constexpr std::size_t answer_bytes_max = 4 << 20;

Secret authorization_of(const systems::LivechatApi& settings) {
  const std::string& token = settings.token.reveal();
  if (settings.account.empty()) return Secret("Bearer " + token);
  Secret pair(base64_encode(settings.account + ":" + token));  // known to the redactor: it is the token in other words
  return Secret("Basic " + pair.reveal());
}

// "fra:…" belongs to the European data centre (Configuration API, Data centers).
std::string region_of(const std::string& token) {
  for (const std::string_view region : {"fra", "dal"})
    if (token.starts_with(std::string(region) + ":")) return std::string(region);
  return {};
}

std::vector<std::string> texts_at(const json::value& object, std::string_view key) {
  std::vector<std::string> out;
  const json::value* list = find(object, key);
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& one : list->get_array())
    if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

std::string text_at(const json::value& object, std::string_view key) {
  return string_at(object, key).value_or("");
}

// Webhooks spell it with spaces, the API with underscores.
std::string status_word(std::string word) {
  std::replace(word.begin(), word.end(), ' ', '_');
  return word.empty() ? "offline" : word;
}

}  // namespace

ConfigurationApi::ConfigurationApi(std::string source, systems::LivechatApi settings, Send send, Sleep sleep, Say say)
    : source_(std::move(source)),
      settings_(std::move(settings)),
      authorization_(authorization_of(settings_)),
      region_(region_of(settings_.token.reveal())),
      send_(std::move(send)),
      sleep_(std::move(sleep)),
      say_(std::move(say)) {}

http::ClientRequest ConfigurationApi::request_of(std::string_view area, std::string_view action,
                                                 const json::object& body) const {
  http::ClientRequest request;
  request.url =
      settings_.base_url + "/v" + settings_.version + "/" + std::string(area) + "/action/" + std::string(action);
  request.headers = {{"Content-Type", "application/json"}, {"Authorization", authorization_.reveal()}};
  if (!region_.empty()) request.headers.emplace_back("X-Region", region_);
  request.body = json::serialize(body);
  request.response_bytes_max = answer_bytes_max;
  request.allow_private = true;  // whoever may run this command and write the configuration names the address
  return request;
}

Result<json::value> ConfigurationApi::call(std::string_view area, std::string_view action, const json::object& body) {
  Millis waited{0}, pause = first_pause;
  bool redirected = false;
  for (;;) {
    const http::ClientResponse response = send_(request_of(area, action, body));
    json::value value;
    const std::optional<ApiProblem> problem = read_answer(response, value);
    if (!problem) return value;
    if (problem->type == "too_many_requests" && waited < patience) {
      const Millis wait = std::max(pause, problem->retry_after);
      say_("LiveChat says too many requests: waiting " + format_duration(wait));
      sleep_(wait);
      waited += wait;
      pause = std::min(pause * 2, pause_max);
    } else if (problem->type == "misdirected_request" && !redirected && region_of(problem->region + ":") != "") {
      redirected = true;
      region_ = problem->region;
    } else {
      return explain(*problem, action, settings_, source_);
    }
  }
}

Result<json::value> ConfigurationApi::configure(std::string_view action, const json::object& body) {
  return call("configuration", action, body);
}

Result<json::array> ConfigurationApi::list(std::string_view area, std::string_view action, const json::object& body) {
  const auto answer = call(area, action, body);
  if (!answer) return answer.error();
  if (const json::array* array = answer->if_array()) return *array;
  ApiProblem problem;
  problem.type = "not_the_api";
  problem.message = "an answer that is not a list";
  return explain(problem, action, settings_, source_);
}

json::object ConfigurationApi::owner() const {
  return {{"owner_client_id", settings_.client_id}};
}

Result<std::vector<WebhookName>> ConfigurationApi::names() {
  const auto listed = list("configuration", "list_webhook_names", {{"version", settings_.version}});
  if (!listed) return listed.error();
  std::vector<WebhookName> names;
  for (const json::value& one : *listed)
    if (std::string action = text_at(one, "action"); !action.empty())
      names.push_back({std::move(action), texts_at(one, "filters"), texts_at(one, "additional_data")});
  return names;
}

Result<std::vector<Registration>> ConfigurationApi::registrations() {
  const auto listed = list("configuration", "list_webhooks", owner());
  if (!listed) return listed.error();
  std::vector<Registration> all;
  for (const json::value& one : *listed)
    if (std::string id = text_at(one, "id"); !id.empty())
      all.push_back({std::move(id), text_at(one, "action"), text_at(one, "type"), text_at(one, "url"),
                     text_at(one, "description")});
  return all;
}

Result<std::string> ConfigurationApi::add(const Wanted& wanted, const Hook& hook) {
  json::object body = owner();
  body["action"] = wanted.action;
  body["type"] = wanted.type;
  body["url"] = hook.url;
  body["secret_key"] = hook.newest.reveal();
  body["description"] = wanted.description;
  if (!wanted.filters.empty()) body["filters"] = wanted.filters;
  if (!wanted.additional_data.empty()) {
    json::array data;
    for (const std::string& one : wanted.additional_data) data.emplace_back(one);
    body["additional_data"] = std::move(data);
  }
  const auto answer = configure("register_webhook", body);
  if (!answer) return answer.error();
  return text_at(*answer, "id");
}

Result<void> ConfigurationApi::remove(const std::string& id) {
  json::object body = owner();
  body["id"] = id;
  const auto answer = configure("unregister_webhook", body);
  if (!answer && answer.error().kind != ErrorKind::not_found) return answer.error();
  return {};
}

Result<bool> ConfigurationApi::license_webhooks_enabled() {
  const auto answer = configure("get_license_webhooks_state", owner());
  if (!answer) return answer.error();
  return bool_at(*answer, "license_webhooks_enabled").value_or(false);
}

Result<void> ConfigurationApi::enable_license_webhooks() {
  const auto answer = configure("enable_license_webhooks", owner());
  if (!answer) return answer.error();
  return {};
}

Result<std::vector<Bot>> ConfigurationApi::bots() {
  const auto listed = list("configuration", "list_bots", {{"all", true}});
  if (!listed) return listed.error();
  std::vector<Bot> bots;
  for (const json::value& one : *listed) {
    Bot bot{text_at(one, "id"), text_at(one, "name")};
    const bool is_ours =
        text_at(one, "owner_client_id").empty() || text_at(one, "owner_client_id") == settings_.client_id;
    if (!bot.id.empty() && bot.name == settings_.bot_name && is_ours) bots.push_back(std::move(bot));
  }
  return bots;
}

Result<Bot> ConfigurationApi::create_bot() {
  json::object body = owner();
  body["name"] = settings_.bot_name;
  const auto answer = configure("create_bot", body);
  if (!answer) return answer.error();
  // Its secret is for tokens of the bot, which nothing here needs; it only must not get into a message.
  const Secret secret(text_at(*answer, "secret"));
  return Bot{text_at(*answer, "id"), settings_.bot_name};
}

Result<std::string> ConfigurationApi::routing_status(const std::string& bot_id) {
  const auto listed = list("agent", "list_routing_statuses", {});
  if (!listed) return listed.error();
  for (const json::value& one : *listed)
    if (text_at(one, "agent_id") == bot_id) return status_word(text_at(one, "status"));
  return std::string("offline");
}

Result<void> ConfigurationApi::set_routing_status(const std::string& bot_id, const std::string& status) {
  const auto answer = call("agent", "set_routing_status", {{"agent_id", bot_id}, {"status", status}});
  if (!answer) return answer.error();
  return {};
}

}  // namespace chatrelay::admin::livechat
