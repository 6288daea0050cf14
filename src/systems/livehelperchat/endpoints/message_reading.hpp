// MessageReading: the messages of a chat as Live Helper Chat lists them, oldest first.
#pragma once

#include <cstdint>

#include "systems/livehelperchat/endpoints/chat_lookup.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

struct MessagePage {
  json::array messages;
  std::int64_t last_id = 0;  // of all that were looked at, also of those that are not shown
};
// The first ones after `after` (0: from the beginning): who goes on with the last id gets them all. `for_visitors`:
// without system messages and whispers. Limit: 500 messages, and 1 MiB after one message at least.
Result<MessagePage> messages_after(Api& api, const conversations::RoomView& room, std::int64_t after,
                                   bool for_visitors);
// Takes what they are large from `bytes_left`; with nothing left there are none.
Result<json::array> newest_messages(Api& api, const conversations::RoomView& room, std::size_t count,
                                    std::size_t& bytes_left);

}  // namespace chatrelay::systems::livehelperchat::endpoints
