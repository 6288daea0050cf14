// The `api` keys of a LiveChat source: the way back to LiveChat, and what its Configuration API shall be asked to send.
// Reading and checking only; who calls the API is elsewhere (admin/livechat). See livechat_webhooks.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "common/secret.hpp"
#include "config/node.hpp"

namespace chatrelay::systems {

struct LivechatApi {
  std::string account;  // the Account ID; empty: the token is an OAuth access token
  Secret token;
  std::string client_id;
  std::string version = "3.6";
  std::string base_url = "https://api.livechatinc.com";  // no slash at the end
  std::vector<std::string> actions;                      // empty: all that LiveChat offers
  boost::json::object filters;                           // as register_webhook takes them
  std::vector<std::string> additional_data;
  std::string bot_name = "chatrelay";
  std::string bot_status = "not_accepting_chats";  // gets webhooks, and no chats are routed to it
};

// nullopt if there is no `api`. What is wrong becomes problems of the node; then the value must not be used.
std::optional<LivechatApi> read_livechat_api(const config::Node& node);

// Asks a hook whether it takes a secret. An authentic webhook of this action is answered 200 and not kept, so the
// question leaves no event. LiveChat has no action of this name.
inline constexpr std::string_view livechat_probe_action = "chatrelay_probe";
// Whether a body, its secrets taken out, is exactly that question.
bool is_livechat_probe(std::string_view body_without_secrets);

}  // namespace chatrelay::systems
