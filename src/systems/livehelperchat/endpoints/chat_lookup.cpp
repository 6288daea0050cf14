#include "systems/livehelperchat/endpoints/chat_lookup.hpp"

#include "common/ids.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

Result<std::optional<FoundChat>> find_chat(Api& api, std::int64_t id) {
  if (id <= 0) return std::optional<FoundChat>();
  const auto room = api.reader().own_room(static_cast<store::OwnPk>(id));
  if (!room) return room.error();
  if (!*room || (**room).source != api.source()) return std::optional<FoundChat>();
  const auto visitor = api.reader().own_visitor((**room).visitor);
  if (!visitor) return visitor.error();
  if (!*visitor) return std::optional<FoundChat>();
  FoundChat found{conversations::view(**visitor), conversations::view(**room)};
  return std::optional<FoundChat>(std::move(found));
}

bool opens(const conversations::RoomView& room, std::string_view hash) {
  return !room.key.empty() && equal_constant_time(room.key, hash);
}

bool may_read(const Ask& ask, const FoundChat& chat) {
  return ask.account && ask.account->sees(chat.department());
}

UserOf user_of(Api& api) {
  return [&api](std::string_view name) { return api.presence().user_of(name); };
}

Author operator_author(Api& api, const Ask& ask, const std::optional<std::string>& name) {
  const std::int64_t id = ask.account ? api.operator_id(*ask.account) : 0;
  return author_of(id > 0 ? id : 1, name && !name->empty() ? *name : ask.account ? ask.account->user : std::string());
}

std::string new_id() {
  return random_id(17);
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
