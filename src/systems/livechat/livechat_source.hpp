// LiveChat (livechat.com, also text.com): webhooks of API 3.3 to 3.7, and App Webhooks. See livechat.md.
#pragma once

#include "systems/source.hpp"

namespace chatrelay::systems {

SourceKind livechat_kind();

}  // namespace chatrelay::systems
