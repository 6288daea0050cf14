// ChatList: the parameters of `chats` and `chatscount`, and the chats that they ask for, newest first.
//
// Limit: 2,000 rooms are looked at for one request: `list_count` counts among those. Older ones are reached with
// `id_lt`, which is ours.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "systems/livehelperchat/endpoints/chat_lookup.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

struct ChatFilter {
  std::set<std::int64_t> statuses, departments, users;
  std::optional<std::string> vid, email, phone, nick;
  std::optional<std::int64_t> id_gt, id_lt, time_gt, time_lt, last_user_msg_time_gt, delay_s;
  bool has_operator = false;
  std::size_t limit = 20;  // Limit: 200
  std::size_t offset = 0;
  bool with_messages = false;
  std::set<std::string> without;  // ignore_fields

  // As Live Helper Chat shows what it understood.
  json::object shown() const;
};
ChatFilter read_chat_filter(const Ask& ask);

struct ChatPage {
  std::vector<FoundChat> chats;
  std::size_t count = 0;  // of all that fit
};
// Of those alone that the account sees.
Result<ChatPage> list_chats(Api& api, const Ask& ask, const ChatFilter& filter);

}  // namespace chatrelay::systems::livehelperchat::endpoints
