// The schemas of what reads and writes messages, after those of Rocket.Chat 6.3 to 8.8, with what we take in addition:
// `ts` and `wait` of the history. Pure.
#pragma once

#include "systems/rocketchat/endpoints/schema.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

const Schema& post_schema();
const Schema& get_schema();
const Schema& put_schema();
const Schema& delete_schema();
const Schema& history_schema();
const Schema& bulk_schema();

}  // namespace chatrelay::systems::rocketchat::endpoints
