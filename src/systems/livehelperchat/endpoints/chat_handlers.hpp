// ChatHandlers: the handlers of everything about chats but their messages, a file for reading, one for beginning, one
// for changing; chat_routes.cpp lists them.
#pragma once

#include "systems/livehelperchat/endpoints/chat_lookup.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

inline constexpr std::string_view chat_unknown = "Could not find chat by chat_id!";
inline constexpr std::string_view chat_unreadable = "You do not have permission to read this chat!";
inline constexpr std::string_view hash_wrong = "Invalid hash";
inline constexpr std::string_view use_permission = "lhchat,use";

// chat_reading.cpp
awaitable<Reply> get_chat(Api& api, Ask& ask);
awaitable<Reply> fetch_chat(Api& api, Ask& ask);
awaitable<Reply> show_chats(Api& api, Ask& ask);
awaitable<Reply> count_chats(Api& api, Ask& ask);
awaitable<Reply> check_chat_status(Api& api, Ask& ask);
// chat_beginning.cpp
awaitable<Reply> start_chat(Api& api, Ask& ask);
awaitable<Reply> post_chat(Api& api, Ask& ask);
// chat_changing.cpp
awaitable<Reply> put_chat(Api& api, Ask& ask);
awaitable<Reply> delete_chat(Api& api, Ask& ask);
awaitable<Reply> set_chat_status(Api& api, Ask& ask);
awaitable<Reply> update_chat_attributes(Api& api, Ask& ask);
awaitable<Reply> close_chat_as_visitor(Api& api, Ask& ask);

// chat_changing.cpp: what a client calls the status, in digits alone, as an open room's status or "closed": a word that
// is no number must not make a chat wait again. nullopt: none of them.
std::optional<std::string> status_said(std::string_view text);

// The chat that the account may have, or what to answer instead.
struct ChatOrReply {
  ChatOrReply() {}
  std::optional<FoundChat> chat;
  std::optional<Reply> reply;
};
// Read alone: its department is the account's. To change it, `use` is needed too.
enum class Access { read, use };
ChatOrReply chat_for(Api& api, const Ask& ask, std::int64_t id, Access access);

}  // namespace chatrelay::systems::livehelperchat::endpoints
