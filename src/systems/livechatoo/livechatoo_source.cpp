#include "systems/livechatoo/livechatoo_source.hpp"

#include "systems/livechatoo/livechatoo_admit.hpp"
#include "systems/livechatoo/livechatoo_decode.hpp"
#include "systems/livechatoo/livechatoo_keys.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

using namespace livechatoo;

namespace {

constexpr std::string_view system_name = "livechatoo";

class LivechatooSource final : public Source {
 public:
  explicit LivechatooSource(LivechatooAdmission admission) : admission_(std::move(admission)) {}

  Verdict admit(const HookRequest& request, WallTime) override { return admission_.admit(request); }

  std::vector<Event> decode(const StoredWebhook& webhook) override {
    return decoded(webhook, system_name, [&] { return decode_livechatoo(webhook); });
  }

  Signed sign(std::string body, WallTime) const override { return admission_.sign(std::move(body)); }

  const BrowserRules* browser_rules() const override { return &admission_.browsers(); }

 private:
  LivechatooAdmission admission_;
};

std::unique_ptr<Source> make_livechatoo(const config::SourceConfig& config, const boost::json::object&,
                                        config::Problems& problems) {
  const std::size_t before = problems.list().size();
  std::vector<std::string> known = config::common_source_keys();
  known.insert(known.end(), source_keys().begin(), source_keys().end());
  config.node.only(known);
  const bool serve = config.node["serve"].boolean(true);
  if (!serve && config.node["identity"].present()) config.node["identity"].warning("does nothing with serve: false");
  HookConfig hook = read_hook(config);
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return nullptr;
  return std::make_unique<LivechatooSource>(LivechatooAdmission(config.name, std::move(hook), config.dedup_window));
}

}  // namespace

SourceKind livechatoo_kind() {
  return {system_name, &make_livechatoo};
}

}  // namespace chatrelay::systems
