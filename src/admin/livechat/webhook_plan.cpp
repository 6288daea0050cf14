#include "admin/livechat/webhook_plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/crypto.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::livechat {

namespace {

constexpr std::size_t digest_bytes = 4;  // tells two secrets apart, and is of no use for guessing one

bool contains(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::string short_digest(std::string_view key, std::string_view text) {
  const Digest digest = hmac_sha256(key, text);
  return hex_encode(std::span(digest).first(digest_bytes));
}

// Actions about a chat, as the documentation's table has them; the others are about agents, groups and so on.
bool tells_of_a_chat(std::string_view action) {
  for (const std::string_view prefix : {"chat_", "user_", "event", "thread_", "customer_session"})
    if (action.starts_with(prefix)) return true;
  return action.starts_with("incoming_") && action != "incoming_customer";
}

// LiveChat's own list is the authority; the documentation fills in where that list is silent (its published sample
// leaves source_type out, which its table has for every action).
bool takes_filter(const WebhookName& name, std::string_view filter) {
  if (contains(name.filters, filter) || filter == "source_type") return true;
  if (filter == "author_type") return name.action == "incoming_event" || name.action == "event_updated";
  if (filter == "agent_ids") return name.action == "routing_status_set";
  if (filter == "only_my_chats" && name.action.starts_with("customer_session")) return false;
  return tells_of_a_chat(name.action);  // chat_presence, only_my_chats
}

bool takes_data(const WebhookName& name, std::string_view data) {
  return contains(name.additional_data, data) || tells_of_a_chat(name.action);
}

Error unknown_action(const std::string& action, const std::vector<WebhookName>& offered, const std::string& version) {
  std::vector<std::string_view> names;
  for (const WebhookName& name : offered) names.push_back(name.action);
  const std::string_view near = nearest(action, names.data(), names.size());
  return invalid("api.actions names \"" + printable(action) + "\", which LiveChat does not offer in version " +
                 version + (near.empty() ? std::string() : "; is " + printable(near) + " meant?"));
}

Result<std::vector<WebhookName>> chosen_of(const systems::LivechatApi& api, const std::vector<WebhookName>& offered) {
  if (api.actions.empty()) return offered;
  std::vector<WebhookName> chosen;
  for (const std::string& action : api.actions) {
    const auto same = [&](const WebhookName& name) { return name.action == action; };
    const auto found = std::find_if(offered.begin(), offered.end(), same);
    if (found == offered.end()) return unknown_action(action, offered, api.version);
    if (std::none_of(chosen.begin(), chosen.end(), same)) chosen.push_back(*found);
  }
  return chosen;
}

// A filter that fits nothing would silently let everything through.
Result<void> check_all_fit(const systems::LivechatApi& api, const std::vector<WebhookName>& chosen) {
  for (const auto& filter : api.filters)
    if (std::none_of(chosen.begin(), chosen.end(), [&](const auto& name) { return takes_filter(name, filter.key()); }))
      return invalid("api.filters." + std::string(filter.key()) +
                     " fits none of api.actions: leave it out, or add an action that takes it");
  return {};
}

std::string prefix_of(const Hook& hook) {
  return "chatrelay " + hook.source + " v";
}

std::string description_of(const Hook& hook, const systems::LivechatApi& api, const Wanted& wanted) {
  json::array data;
  for (const std::string& one : wanted.additional_data) data.emplace_back(one);
  const std::string settings = json::serialize(json::array{wanted.type, wanted.filters, std::move(data)});
  return prefix_of(hook) + api.version + " key " +
         short_digest(hook.newest.reveal(), "chatrelay registration key " + api.client_id) + " with " +
         short_digest("chatrelay registration settings", settings);
}

bool made_by_us(const Hook& hook, const Registration& registration) {
  return registration.description.starts_with(prefix_of(hook));
}

bool is_wanted(const std::vector<Wanted>& wanted, const Registration& registration) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const Wanted& one) {
    return one.action == registration.action && one.type == registration.type &&
           one.description == registration.description;
  });
}

}  // namespace

Result<std::vector<Wanted>> wanted_of(const Hook& hook, const systems::LivechatApi& api, const std::string& type,
                                      const std::vector<WebhookName>& offered) {
  const auto chosen = chosen_of(api, offered);
  if (!chosen) return chosen.error();
  if (const auto fits = check_all_fit(api, *chosen); !fits) return fits.error();
  std::vector<Wanted> all;
  for (const WebhookName& name : *chosen) {
    Wanted wanted;
    wanted.action = name.action;
    wanted.type = type;
    for (const auto& filter : api.filters)
      if (takes_filter(name, filter.key())) wanted.filters.emplace(filter.key(), filter.value());
    for (const std::string& data : api.additional_data)
      if (takes_data(name, data)) wanted.additional_data.push_back(data);
    wanted.description = description_of(hook, api, wanted);
    all.push_back(std::move(wanted));
  }
  return all;
}

std::string_view to_string(Whose whose) {
  switch (whose) {
    case Whose::ours_as_wanted:
      return "as wanted";
    case Whose::ours_outdated:
      return "outdated";
    case Whose::elsewhere:
      return "another address";
    case Whose::by_hand:
      return "not by chatrelay";
    case Whose::foreign:
      return "somebody else's";
  }
  return "";
}

std::vector<Judged> judge(const Hook& hook, const std::vector<Wanted>& wanted,
                          const std::vector<Registration>& present) {
  std::vector<Judged> all;
  std::set<std::pair<std::string, std::string>> have;  // action and type: the second of two alike is one too many
  for (const Registration& registration : present) {
    Judged judged{registration, Whose::foreign};
    if (!made_by_us(hook, registration))
      judged.whose = registration.url == hook.url ? Whose::by_hand : Whose::foreign;
    else if (registration.url != hook.url)
      judged.whose = Whose::elsewhere;
    else if (is_wanted(wanted, registration) && have.emplace(registration.action, registration.type).second)
      judged.whose = Whose::ours_as_wanted;
    else
      judged.whose = Whose::ours_outdated;
    all.push_back(std::move(judged));
  }
  return all;
}

Plan plan_registrations(const Hook& hook, const std::string& type, const std::vector<Wanted>& wanted,
                        const std::vector<Registration>& present) {
  Plan plan;
  std::map<std::string, std::size_t> taken;  // places, whoever has them
  for (const Registration& registration : present) ++taken[registration.action];
  std::set<std::string> in_place, wanted_actions;
  std::map<std::string, std::vector<Registration>> outdated;
  for (const Judged& judged : judge(hook, wanted, present)) {
    if (judged.registration.type != type) continue;
    if (judged.whose == Whose::ours_as_wanted) in_place.insert(judged.registration.action);
    if (judged.whose == Whose::ours_outdated) outdated[judged.registration.action].push_back(judged.registration);
  }
  plan.kept = in_place.size();
  for (const Wanted& one : wanted) {
    wanted_actions.insert(one.action);
    if (in_place.count(one.action) != 0) continue;
    plan.add.push_back(one);
    std::vector<Registration>& old = outdated[one.action];
    if (taken[one.action] >= registrations_per_action_max && old.size() > 1) {
      plan.remove_first.push_back(std::move(old.back()));
      old.pop_back();
    }
  }
  for (auto& [action, registrations] : outdated)
    for (Registration& registration : registrations) {
      plan.replaces = plan.replaces || wanted_actions.count(action) != 0;
      plan.remove_last.push_back(std::move(registration));
    }
  return plan;
}

}  // namespace chatrelay::admin::livechat
