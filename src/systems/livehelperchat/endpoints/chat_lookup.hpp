// ChatLookup: finding the chat that a client names, and who may have it: who knows its hash, or an account that sees
// its department. A vid opens no chat.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "systems/livehelperchat/endpoints/api.hpp"
#include "systems/livehelperchat/endpoints/records.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

struct FoundChat {
  conversations::VisitorView visitor;
  conversations::RoomView room;
  std::int64_t department() const { return department_number(room.department); }
};

// As committed. nullopt: none of this source, or its visitor is gone.
Result<std::optional<FoundChat>> find_chat(Api& api, std::int64_t id);
// In constant time. A chat without a hash (another dialect's) has none that fits.
bool opens(const conversations::RoomView& room, std::string_view hash);
// The department is one that the account sees.
bool may_read(const Ask& ask, const FoundChat& chat);

// Lifetime: the Api's.
UserOf user_of(Api& api);
// The account's operator, for what is said and done by it.
Author operator_author(Api& api, const Ask& ask, const std::optional<std::string>& name = std::nullopt);

std::string new_id();  // of a visitor, a room or a message: 17 characters

}  // namespace chatrelay::systems::livehelperchat::endpoints
