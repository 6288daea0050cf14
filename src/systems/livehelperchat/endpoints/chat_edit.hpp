// ChatEdit: several changes of a chat and its visitor, in one transaction.
#pragma once

#include <optional>

#include "conversations/rooms.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

// Invariant: what may be refused comes first; what comes after it cannot be, or changes nothing then.
struct ChatEdit {
  conversations::ChangeRoom change;
  std::optional<conversations::SaveVisitor> visitor;
  std::optional<conversations::EndRoom> end;
};
conversations::Answer<conversations::OpenedRoom> edit_chat(store::Transaction& tx, const ChatEdit& edit);

}  // namespace chatrelay::systems::livehelperchat::endpoints
