// The steps that commands over guests are made of: visitors whom we know by a secret of the dialect's, and what waits
// for them before there is a chat. What is kept of it is in the visitor's `hidden`.
#pragma once

#include <optional>
#include <string>

#include "conversations/rooms_steps.hpp"

namespace chatrelay::conversations {

inline constexpr std::size_t pages_max = 20;  // Limit: of a visitor, that are kept

// Stored, with an id that ends in its number; nothing is told. The caller has looked that it can be made.
VisitorView new_guest(store::Transaction& tx, const Call& call, const Guest& guest);
// By the id that new_guest made.
std::optional<VisitorView> find_guest(store::Transaction& tx, const Call& call, const std::string& id);

std::optional<Invitation> shown_invitation(const VisitorView& visitor);
void forget_invitation(VisitorView& visitor);

}  // namespace chatrelay::conversations
