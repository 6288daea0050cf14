#include "systems/rocketchat/rocketchat_source.hpp"

#include "systems/receiving.hpp"
#include "systems/rocketchat/rocketchat_admit.hpp"
#include "systems/rocketchat/rocketchat_decode.hpp"
#include "systems/rocketchat/serving_keys.hpp"

namespace chatrelay::systems {

using namespace rocketchat;

namespace {

constexpr std::string_view system_name = "rocketchat";

class RocketchatSource final : public Source {
 public:
  explicit RocketchatSource(RocketchatAdmission admission) : admission_(std::move(admission)) {}

  Verdict admit(const HookRequest& request, WallTime now) override { return admission_.admit(request, now); }

  std::vector<Event> decode(const StoredWebhook& webhook) override {
    return decoded(webhook, system_name, [&] { return decode_rocketchat(webhook); });
  }

  Signed sign(std::string body, WallTime) const override { return admission_.sign(std::move(body)); }

 private:
  RocketchatAdmission admission_;
};

// What a hook asks of a sender: a secret, nothing because the operator said so, or there is no hook at all.
Proof read_proof(const config::Node& node, bool serve) {
  const config::Node verify = node["verify"];
  if (verify.present()) {
    if (!verify.is_scalar() || verify.string() != "none") {
      verify.problem("can only be none: a Rocket.Chat proves itself by one of `secrets`");
    } else if (node["secrets"].present()) {
      verify.problem("is none, but there are secrets: it takes one of them");
    } else {
      verify.warning("is none: whoever knows the address can send events");
    }
    return Proof::none;
  }
  if (node["secrets"].present()) return Proof::secret;
  if (!serve)
    node["secrets"].problem(
        "is missing: without a secret nobody could be told from a stranger (verify: none takes webhooks of everybody; "
        "serve: true serves the livechat API)");
  return Proof::closed;
}

void warn_of_idle_keys(const config::Node& node) {
  for (const std::string& key : serving_keys())
    if (key != "serve" && key != "limits" && node[key].present()) node[key].warning("does nothing without serve: true");
}

std::unique_ptr<Source> make_rocketchat(const config::SourceConfig& config, const boost::json::object&,
                                        config::Problems& problems) {
  const std::size_t before = problems.list().size();
  std::vector<std::string> known = config::common_source_keys();
  known.insert(known.end(), {"secrets", "verify", "own"});
  known.insert(known.end(), serving_keys().begin(), serving_keys().end());
  config.node.only(known);
  const bool serve = config.node["serve"].boolean(false);
  if (!serve) warn_of_idle_keys(config.node);
  const Proof proof = read_proof(config.node, serve);
  std::vector<Secret> secrets;
  if (config.node["secrets"].present()) secrets = read_secrets(config.node["secrets"]);
  OwnMessages own = read_own(config.node["own"]);
  if (proof == Proof::closed && config.node["own"].present())
    config.node["own"].warning("does nothing without secrets: there is no hook");
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return nullptr;
  return std::make_unique<RocketchatSource>(
      RocketchatAdmission(config.name, proof, std::move(secrets), config.dedup_window, std::move(own)));
}

}  // namespace

SourceKind rocketchat_kind() {
  return {system_name, &make_rocketchat};
}

}  // namespace chatrelay::systems
