#include "admin/livechat/webhook_state.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/text.hpp"

namespace chatrelay::admin::livechat {

namespace {

bool is_ours(const Judged& judged) {
  return judged.whose == Whose::ours_as_wanted || judged.whose == Whose::ours_outdated;
}

bool any_of_type(const WebhookState& state, std::string_view type) {
  return std::any_of(state.registrations.begin(), state.registrations.end(),
                     [&](const Judged& one) { return is_ours(one) && one.registration.type == type; });
}

// An empty type means both.
std::size_t count_of(const WebhookState& state, Whose whose, std::string_view type = {}) {
  const auto counts = [&](const Judged& one) {
    return one.whose == whose && (type.empty() || one.registration.type == type);
  };
  return static_cast<std::size_t>(std::count_if(state.registrations.begin(), state.registrations.end(), counts));
}

void count(WebhookState& state, const std::vector<Wanted>& wanted) {
  std::set<std::pair<std::string, std::string>> in_place;
  for (const Judged& one : state.registrations) {
    if (one.whose != Whose::ours_as_wanted) continue;
    in_place.emplace(one.registration.action, one.registration.type);
    ++(one.registration.type == "bot" ? state.bot_in_place : state.license_in_place);
  }
  for (const Wanted& one : wanted)
    if (any_of_type(state, one.type) && in_place.count({one.action, one.type}) == 0)
      state.missing.push_back(one.action + " (" + one.type + ")");
}

Result<void> add_bots(WebhookState& state, ConfigurationApi& api) {
  const auto bots = api.bots();
  if (!bots) return bots.error();
  for (const Bot& bot : *bots) {
    const auto status = api.routing_status(bot.id);
    if (!status) return status.error();
    state.bots.push_back({bot, *status});
  }
  return {};
}

std::string again(const Hook& hook, bool as_bot) {
  return "run `chatrelay webhooks register " + hook.source + (as_bot ? " --type bot`" : "`");
}

void warn_of_bots(const WebhookState& state, const Hook& hook, std::vector<std::string>& warnings) {
  if (!any_of_type(state, "bot")) return;
  if (state.bots.empty())
    warnings.push_back("the bot is gone, and its webhooks do not come without it: " + again(hook, true));
  const bool all_offline =
      std::all_of(state.bots.begin(), state.bots.end(), [](const BotState& one) { return one.status == "offline"; });
  if (!state.bots.empty() && all_offline)
    warnings.push_back("the bot is offline, and LiveChat sends no bot webhooks while it is: " + again(hook, true));
}

void warn_of_hook(const WebhookState& state, const Hook& hook, std::vector<std::string>& warnings) {
  if (!state.hook || state.hook->kind == ProbeAnswer::Kind::takes) return;
  if (state.hook->kind == ProbeAnswer::Kind::refuses)
    warnings.push_back(hook.url + " does not take the source's first secret: run `chatrelay reload` over there");
  else
    warnings.push_back(hook.url + " gives " + state.hook->reason +
                       ": start the relay, or see that the address leads to it (--no-probe: do not ask)");
}

}  // namespace

Result<std::vector<Judged>> judge_all(const Hook& hook, ConfigurationApi& api, std::vector<Wanted>& wanted) {
  const auto offered = api.names();
  if (!offered) return offered.error();
  for (const char* type : {"license", "bot"}) {
    auto of_type = wanted_of(hook, api.settings(), type, *offered);
    if (!of_type) return of_type.error();
    wanted.insert(wanted.end(), of_type->begin(), of_type->end());
  }
  const auto present = api.registrations();
  if (!present) return present.error();
  return judge(hook, wanted, *present);
}

Result<WebhookState> look(const Hook& hook, ConfigurationApi& api, const Send* probe_with) {
  std::vector<Wanted> wanted;
  auto judged = judge_all(hook, api, wanted);
  if (!judged) return judged.error();
  const auto enabled = api.license_webhooks_enabled();
  if (!enabled) return enabled.error();

  WebhookState state;
  state.license_webhooks_enabled = *enabled;
  state.registrations = std::move(*judged);
  count(state, wanted);
  if (any_of_type(state, "bot"))
    if (const auto added = add_bots(state, api); !added) return added.error();
  if (probe_with != nullptr) state.hook = probe_hook(hook, *probe_with);
  return state;
}

std::vector<std::string> warnings_of(const WebhookState& state, const Hook& hook) {
  std::vector<std::string> warnings;
  if (!any_of_type(state, "license") && !any_of_type(state, "bot"))
    warnings.push_back("nothing is registered for " + hook.url + ": " + again(hook, false));
  if (any_of_type(state, "license") && !state.license_webhooks_enabled)
    warnings.push_back("the licence's webhooks are disabled, so none is sent: " + again(hook, false));
  if (!state.missing.empty())
    warnings.push_back(std::to_string(state.missing.size()) + " wanted registrations are missing, the first is " +
                       printable(state.missing.front()) + ": " + again(hook, state.missing.front().ends_with("(bot)")));
  for (const bool as_bot : {false, true})
    if (const std::size_t outdated = count_of(state, Whose::ours_outdated, as_bot ? "bot" : "license"); outdated != 0)
      warnings.push_back(
          std::to_string(outdated) +
          " registrations have an older secret or other settings, or are there twice: " + again(hook, as_bot));
  if (const std::size_t elsewhere = count_of(state, Whose::elsewhere); elsewhere != 0)
    warnings.push_back(std::to_string(elsewhere) + " registrations of a source of this name lead to another address: " +
                       "if no relay is there any more, `chatrelay webhooks unregister " + hook.source +
                       " --url ADDRESS`");
  if (const std::size_t by_hand = count_of(state, Whose::by_hand); by_hand != 0)
    warnings.push_back(std::to_string(by_hand) +
                       " registrations lead here that chatrelay did not make; they stay "
                       "until removed with `chatrelay webhooks unregister " +
                       hook.source + " --id ID`");
  warn_of_bots(state, hook, warnings);
  warn_of_hook(state, hook, warnings);
  return warnings;
}

}  // namespace chatrelay::admin::livechat
