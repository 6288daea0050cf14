// What has to change at LiveChat so that it sends a source what is wanted: a difference of wanted and present
// registrations. Pure; who asks LiveChat and does what the plan says is registrar.hpp.
//
// LiveChat cannot change a registration and does not tell its secret. So each of ours says in its description whose it
// is, and carries a short digest of its secret and of its settings: a registration whose description is not the wanted
// one is replaced. Whatever has no such description, or leads to another address, is somebody else's and stays.
#pragma once

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/json.hpp"
#include "common/secret.hpp"
#include "systems/livechat/livechat_api_config.hpp"

namespace chatrelay::admin::livechat {

// Limit: registrations of one action per Client ID (Configuration API, Register Webhook).
inline constexpr std::size_t registrations_per_action_max = 3;

// As list_webhook_names tells it: what may be registered.
struct WebhookName {
  std::string action;
  std::vector<std::string> filters;
  std::vector<std::string> additional_data;
};

// As list_webhooks tells it. Text of strangers.
struct Registration {
  std::string id;
  std::string action;
  std::string type;  // "license" or "bot"
  std::string url;
  std::string description;
};

// Where the hooks of a source lead, and what proves them.
struct Hook {
  std::string source;
  std::string url;  // https://relay.example/hooks/livechat
  Secret newest;    // the first of the source's secrets: what new registrations get
};

struct Wanted {
  std::string action;
  std::string type;
  json::object filters;
  std::vector<std::string> additional_data;
  std::string description;
};

// One for each wanted action. Errors: invalid, for an action that LiveChat does not offer, or a filter or additional
// data that none of the wanted actions takes.
Result<std::vector<Wanted>> wanted_of(const Hook& hook, const systems::LivechatApi& api, const std::string& type,
                                      const std::vector<WebhookName>& offered);

enum class Whose {
  ours_as_wanted,
  ours_outdated,  // an older secret or other settings, not wanted any more, or one too many
  elsewhere,      // made by chatrelay for this source's name, but leads to another address
  by_hand,        // leads to our address, but chatrelay did not make it
  foreign,
};
std::string_view to_string(Whose whose);

struct Judged {
  Registration registration;
  Whose whose = Whose::foreign;
};
// In the order of `present`. Registrations of another type than `wanted` asks for are judged by their own `wanted`, so
// callers hand in what is wanted of both types, or of the one that they look at.
std::vector<Judged> judge(const Hook& hook, const std::vector<Wanted>& wanted,
                          const std::vector<Registration>& present);

struct Plan {
  std::vector<Registration> remove_first;  // only where all three places are taken and another of ours works meanwhile
  std::vector<Wanted> add;
  std::vector<Registration> remove_last;  // after the new ones work
  std::size_t kept = 0;
  bool replaces = false;  // something in remove_last tells of an action that stays wanted: no gap may come of it

  bool empty() const { return remove_first.empty() && add.empty() && remove_last.empty(); }
};
// `wanted` is of one type, and nothing of the other type is touched.
Plan plan_registrations(const Hook& hook, const std::string& type, const std::vector<Wanted>& wanted,
                        const std::vector<Registration>& present);

}  // namespace chatrelay::admin::livechat
