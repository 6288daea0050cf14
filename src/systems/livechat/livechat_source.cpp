#include "systems/livechat/livechat_source.hpp"

#include "systems/livechat/livechat_admit.hpp"
#include "systems/livechat/livechat_api_config.hpp"
#include "systems/livechat/livechat_decode.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

namespace {

constexpr std::string_view system_name = "livechat";

class LivechatSource final : public Source {
 public:
  explicit LivechatSource(LivechatAdmission admission) : admission_(std::move(admission)) {}

  Verdict admit(const HookRequest& request, WallTime now) override { return admission_.admit(request, now); }

  std::vector<Event> decode(const StoredWebhook& webhook) override {
    return decoded(webhook, system_name, [&] { return decode_livechat(webhook); });
  }

  Signed sign(std::string body, WallTime) const override { return admission_.sign(std::move(body)); }

 private:
  LivechatAdmission admission_;
};

std::unique_ptr<Source> make_livechat(const config::SourceConfig& config, const boost::json::object&,
                                      config::Problems& problems) {
  const std::size_t before = problems.list().size();
  std::vector<std::string> known = config::common_source_keys();
  known.insert(known.end(), {"secrets", "own", "api"});
  config.node.only(known);
  std::vector<Secret> secrets = read_secrets(config.node["secrets"]);
  LivechatOwn own = read_livechat_own(config.node["own"]);
  read_livechat_api(config.node["api"]);  // checked here; `chatrelay webhooks` is what uses it
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return nullptr;
  return std::make_unique<LivechatSource>(
      LivechatAdmission(config.name, std::move(secrets), config.dedup_window, std::move(own)));
}

}  // namespace

SourceKind livechat_kind() {
  return {system_name, &make_livechat};
}

}  // namespace chatrelay::systems
