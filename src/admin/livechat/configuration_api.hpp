// ConfigurationApi: the calls of LiveChat's Configuration API (and the two of the Agent Chat API that tell and set a
// bot's routing status) that registering webhooks needs, one after the other.
//
// Waits and repeats where LiveChat says too_many_requests, up to a limit; goes to the other data centre once where it
// says misdirected_request; repeats nothing else, since what was registered twice comes twice. Errors say what to do
// next (api_answer.hpp). Not for the daemon: it blocks.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/livechat/api_answer.hpp"
#include "admin/livechat/webhook_plan.hpp"

namespace chatrelay::admin::livechat {

// The way out, handed in: tests script it.
using Send = std::function<http::ClientResponse(http::ClientRequest)>;
using Sleep = std::function<void(Millis)>;
using Say = std::function<void(const std::string& line)>;  // what goes on, for a person; without secrets

struct Bot {
  std::string id;
  std::string name;
};

class ConfigurationApi {
 public:
  ConfigurationApi(std::string source, systems::LivechatApi settings, Send send, Sleep sleep, Say say);

  const systems::LivechatApi& settings() const { return settings_; }

  Result<std::vector<WebhookName>> names();
  Result<std::vector<Registration>> registrations();
  Result<std::string> add(const Wanted& wanted, const Hook& hook);  // the new registration's id
  Result<void> remove(const std::string& id);                       // one that is gone already is no error

  Result<bool> license_webhooks_enabled();
  Result<void> enable_license_webhooks();

  // Bots of our Client ID with the configured name.
  Result<std::vector<Bot>> bots();
  Result<Bot> create_bot();
  // "accepting_chats", "not_accepting_chats" or "offline"; what LiveChat does not list is offline.
  Result<std::string> routing_status(const std::string& bot_id);
  Result<void> set_routing_status(const std::string& bot_id, const std::string& status);

 private:
  Result<json::value> call(std::string_view area, std::string_view action, const json::object& body);
  Result<json::value> configure(std::string_view action, const json::object& body);
  http::ClientRequest request_of(std::string_view area, std::string_view action, const json::object& body) const;
  Result<json::array> list(std::string_view area, std::string_view action, const json::object& body);
  json::object owner() const;

  std::string source_;
  systems::LivechatApi settings_;
  Secret authorization_;  // the header's value
  std::string region_;
  Send send_;
  Sleep sleep_;
  Say say_;
};

}  // namespace chatrelay::admin::livechat
