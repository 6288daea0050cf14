// The source of system "livechatoo": what its callbacks tell a page, sent on by our bridge.js from a visitor's browser.
// livechatoo.md says how.
#pragma once

#include "systems/source.hpp"

namespace chatrelay::systems {

SourceKind livechatoo_kind();

}  // namespace chatrelay::systems
