// Any webhook that is JSON or a form: `verify` says how it proves itself, `map` (jq) where its parts are. See
// generic.md.
#pragma once

#include "systems/source.hpp"

namespace chatrelay::systems {

SourceKind generic_kind();

}  // namespace chatrelay::systems
