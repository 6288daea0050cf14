#include "systems/livehelperchat/endpoints/chat_edit.hpp"

#include <utility>

namespace chatrelay::systems::livehelperchat::endpoints {

conversations::Answer<conversations::OpenedRoom> edit_chat(store::Transaction& tx, const ChatEdit& edit) {
  conversations::Answer<conversations::OpenedRoom> changed = conversations::change_room(tx, edit.change);
  if (!changed) return changed;
  if (edit.visitor)
    if (auto saved = conversations::save_visitor(tx, *edit.visitor)) changed.value->visitor = std::move(*saved.value);
  if (!edit.end) return changed;
  auto ended = conversations::end_room(tx, *edit.end);
  if (ended) changed.value->room = std::move(ended.value->room);
  return changed;
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
