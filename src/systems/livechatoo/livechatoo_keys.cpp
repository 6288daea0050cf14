#include "systems/livechatoo/livechatoo_keys.hpp"

#include "config/origins.hpp"

namespace chatrelay::systems::livechatoo {

namespace {

constexpr Rate per_address_default{300, std::chrono::minutes(1)};  // an office, and pages that load fast

}  // namespace

const std::vector<std::string>& source_keys() {
  static const std::vector<std::string> keys{"serve", "account", "origins", "per_address", "identity"};
  return keys;
}

HookConfig read_hook(const config::SourceConfig& config) {
  const config::Node& node = config.node;
  HookConfig hook;
  hook.account = node["account"].string();
  hook.browsers.origins = config::read_origins(node["origins"], false);
  if (node["origins"].items().empty())
    node["origins"].problem("is missing: it lists the websites whose pages may send, like https://shop.example");
  hook.browsers.per_address = node["per_address"].rate().value_or(per_address_default);
  const config::Node identity = node["identity"];
  if (identity["key"].present()) hook.secrets.push_back(identity["key"].secret());
  for (const config::Node& item : identity["token"]["secrets"].items()) hook.secrets.push_back(item.secret());
  return hook;
}

}  // namespace chatrelay::systems::livechatoo
