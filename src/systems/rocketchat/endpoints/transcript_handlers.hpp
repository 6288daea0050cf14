// POST transcript: mails a visitor what was said in its room. The mail leaves through the destination that
// `transcript_to` names, in the lane of the chat like everything else; without `transcript_to` there are none.
//
// The address is the visitor's choice, so this could be used to bother strangers: it counts in the limit of offline
// messages, takes one address, and the subject is ours.
#pragma once

#include <string>
#include <vector>

#include "systems/rocketchat/endpoints/api.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

struct RenderedTranscript {
  std::string text, html;
};

inline constexpr std::size_t transcript_messages_max = 1'000;  // Limit: of one transcript, the newest
// Limit: of their texts. As HTML it may be six times as much, which still is far from the 25 MiB that a mail may have.
inline constexpr std::size_t transcript_bytes_max = 1 << 20;

// Oldest first; what the system says ("livechat-started") is left out. `is_cut`: there are earlier messages than these.
// Pure.
RenderedTranscript render_transcript(const std::vector<conversations::MessageView>& newest_first, bool is_cut);

std::vector<Route> transcript_routes();

}  // namespace chatrelay::systems::rocketchat::endpoints
