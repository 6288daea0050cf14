// Reading chats: chat/{id}, fetchchat, chats, chatscount, checkchatstatus.
#include <set>
#include <utility>

#include "systems/livehelperchat/endpoints/chat_handlers.hpp"
#include "systems/livehelperchat/endpoints/chat_list.hpp"
#include "systems/livehelperchat/endpoints/message_reading.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

constexpr std::size_t listed_messages_max = 50;    // Limit: of each chat of a list, the newest
constexpr std::size_t listed_bytes_max = 2 << 20;  // Limit: of the messages of a list; older chats come without

std::set<std::string> names_in(std::string_view list) {
  std::set<std::string> names;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    names.emplace(list.substr(0, comma));
    if (comma == list.npos) break;
    list.remove_prefix(comma + 1);
  }
  return names;
}

json::object only(const json::object& record, const std::set<std::string>& names) {
  json::object out;
  for (const auto& member : record)
    if (names.contains(std::string(member.key()))) out.emplace(member.key(), member.value());
  return out;
}

json::value operator_name(const conversations::RoomView& room) {
  if (!room.agent) return false;
  const Agent& agent = *room.agent;
  const std::optional<std::string>& name = agent.name            ? agent.name
                                           : room.agent_username ? room.agent_username
                                                                 : agent.id;
  return name ? json::value(*name) : json::value(false);
}

// A hash that is given must fit, although the account alone would do.
bool is_wrong_hash(const Ask& ask, const FoundChat& chat) {
  const std::optional<std::string> hash = ask.said("hash");
  return hash && !hash->empty() && !opens(chat.room, *hash);
}

}  // namespace

ChatOrReply chat_for(Api& api, const Ask& ask, std::int64_t id, Access access) {
  ChatOrReply out;
  // Before the chat is looked up: who may use none learns of none.
  if (access == Access::use && !ask.may(use_permission)) {
    out.reply = not_permitted(ask.shape(), use_permission);
    return out;
  }
  Result<std::optional<FoundChat>> found = find_chat(api, id);
  if (!found) {
    out.reply = broken(ask.shape(), found.error());
  } else if (!*found) {
    out.reply = failed(ask.shape(), chat_unknown);
  } else if (!may_read(ask, **found)) {
    out.reply = failed(ask.shape(), chat_unreadable);
  } else {
    out.chat = std::move(**found);
  }
  return out;
}

awaitable<Reply> get_chat(Api& api, Ask& ask) {
  ChatOrReply found = chat_for(api, ask, Ask::integer(ask.ordered(0)), Access::use);
  if (found.reply) co_return std::move(*found.reply);
  if (is_wrong_hash(ask, *found.chat)) co_return failed(ask.shape(), hash_wrong);
  json::object record = chat_record(found.chat->room, found.chat->visitor, user_of(api), ChatShape::record);
  if (const auto wanted = ask.query("attr"); wanted && !wanted->empty()) record = only(record, names_in(*wanted));
  co_return done(std::move(record));
}

awaitable<Reply> fetch_chat(Api& api, Ask& ask) {
  ChatOrReply found = chat_for(api, ask, Ask::integer(ask.said("chat_id").value_or("")), Access::read);
  if (found.reply) co_return std::move(*found.reply);
  const FoundChat& chat = *found.chat;
  if (is_wrong_hash(ask, chat)) co_return failed(ask.shape(), hash_wrong);
  json::object record = chat_record(chat.room, chat.visitor, user_of(api), ChatShape::record);
  record["archive"] = nullptr;
  record["user"] = false;
  if (chat.room.agent) record["user"] = json::object{{"id", record.at("user_id")}, {"name", operator_name(chat.room)}};
  record["plain_user_name"] = operator_name(chat.room);
  json::object body;
  body["error"] = false;
  body["chat"] = std::move(record);
  co_return Reply(std::move(body));
}

awaitable<Reply> show_chats(Api& api, Ask& ask) {
  if (!ask.may(use_permission)) co_return not_permitted(ask.shape(), use_permission);
  const ChatFilter filter = read_chat_filter(ask);
  const Result<ChatPage> page = list_chats(api, ask, filter);
  if (!page) co_return broken(ask.shape(), page.error());
  json::array list;
  std::size_t bytes_left = listed_bytes_max;
  for (const FoundChat& chat : page->chats) {
    json::object record = chat_record(chat.room, chat.visitor, user_of(api), ChatShape::record);
    if (filter.with_messages) {
      const Result<json::array> messages = newest_messages(api, chat.room, listed_messages_max, bytes_left);
      if (!messages) co_return broken(ask.shape(), messages.error());
      record["messages"] = *messages;
    }
    for (const std::string& name : filter.without) record.stable_erase(name);
    list.push_back(std::move(record));
  }
  json::object body;
  body["filter"] = filter.shown();
  body["list"] = std::move(list);
  body["list_count"] = page->count;
  body["error"] = false;
  co_return Reply(std::move(body));
}

awaitable<Reply> count_chats(Api& api, Ask& ask) {
  if (!ask.may(use_permission)) co_return not_permitted(ask.shape(), use_permission);
  ChatFilter filter = read_chat_filter(ask);
  filter.limit = 0;
  const Result<ChatPage> page = list_chats(api, ask, filter);
  if (!page) co_return broken(ask.shape(), page.error());
  json::object body;
  body["list_count"] = page->count;
  body["error"] = false;
  co_return Reply(std::move(body));
}

// A wrong hash and a chat that is not there look alike, and like nothing at all.
awaitable<Reply> check_chat_status(Api& api, Ask& ask) {
  const Result<std::optional<FoundChat>> found = find_chat(api, Ask::integer(ask.said("chat_id").value_or("")));
  if (!found) co_return broken(ask.shape(), found.error());
  const bool is_theirs = *found && opens((**found).room, ask.said("hash").value_or(""));
  json::object result;
  result["status"] = "At this moment there are no logged in support staff members, but you can leave your messages";
  result["ru"] = "";
  result["ott"] = "";
  result["user"] = false;
  result["activated"] = nullptr;
  result["closed"] = nullptr;
  result["name_support"] = "";
  if (is_theirs) {
    const conversations::RoomView& room = (**found).room;
    const ChatStatus status = chat_status(room);
    const json::value name = operator_name(room);
    result["activated"] = status == ChatStatus::active;
    result["closed"] = status == ChatStatus::closed;
    if (name.is_string()) result["name_support"] = name;
    if (status == ChatStatus::pending)
      result["status"] =
          "Pending a support staff member to join, you can write your questions, and as soon as a support staff member "
          "confirms this chat, they will get your messages";
    else if (status == ChatStatus::closed)
      result["status"] = "The chat was closed";
    else
      result["status"] = name.is_string() ? "A support staff member has joined this chat" : "The chat is active";
  }
  co_return done(std::move(result));
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
