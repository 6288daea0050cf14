// Stored LiveChat webhooks, API 3.3 to 3.7 and App Webhooks, into events. Pure and total: anything comes out as at
// least one event. The API version is not in the payload and is not guessed: every field is read in all the spellings
// it has had.
#pragma once

#include <vector>

#include "systems/source.hpp"

namespace chatrelay::systems {

// Without refs and ids: number_parts comes after.
std::vector<Event> decode_livechat(const StoredWebhook& webhook);

}  // namespace chatrelay::systems
