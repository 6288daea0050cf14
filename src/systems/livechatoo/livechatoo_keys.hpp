// The keys of a livechatoo source. The source reads what concerns the hook; `identity` belongs to the endpoints, which
// read it themselves. One list, so that neither refuses what the other knows.
#pragma once

#include <string>
#include <vector>

#include "common/secret.hpp"
#include "config/config.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems::livechatoo {

const std::vector<std::string>& source_keys();

struct HookConfig {
  std::string account;  // empty: any
  BrowserRules browsers;
  std::vector<Secret> secrets;  // of `identity`: none of them may be stored with a body
};
// Its nodes tell what is wrong.
HookConfig read_hook(const config::SourceConfig& config);

}  // namespace chatrelay::systems::livechatoo
