// How things stand at LiveChat for one source: what is registered, whether it is sent at all, and what is wrong with
// it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/livechat/configuration_api.hpp"
#include "admin/livechat/hook_probe.hpp"

namespace chatrelay::admin::livechat {

struct BotState {
  Bot bot;
  std::string status;
};

struct WebhookState {
  bool license_webhooks_enabled = false;
  std::vector<Judged> registrations;
  std::size_t license_in_place = 0, bot_in_place = 0;
  std::vector<std::string> missing;  // "incoming_chat (license)": wanted, of a type of which there is something of ours
  std::vector<BotState> bots;
  std::optional<ProbeAnswer> hook;  // nullopt: was not asked
};

// Every registration of the Client ID, and whose it is. `wanted` gets what is wanted, of both types.
Result<std::vector<Judged>> judge_all(const Hook& hook, ConfigurationApi& api, std::vector<Wanted>& wanted);

// Bots are asked for only where a registration of ours is a bot's, so a token without their scopes is enough otherwise.
Result<WebhookState> look(const Hook& hook, ConfigurationApi& api, const Send* probe_with);

// What a person has to do something about, each with what to do. Pure. Empty: all is well.
std::vector<std::string> warnings_of(const WebhookState& state, const Hook& hook);

}  // namespace chatrelay::admin::livechat
