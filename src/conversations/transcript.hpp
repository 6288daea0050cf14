// Transcripts: what was said in a conversation, for people and for programs. Pure.
//
// Invariant 10: what a visitor typed cannot pass for another line, another author, or markup.
// What is for agents only is left out unless it is asked for, and is marked then. A deleted message is shown as one
// that was deleted: never what it said. An edited one shows what it says now. Limit: the oldest messages are left out
// where all would be longer than `bytes_max`, and that is said.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/zone.hpp"
#include "event/event.hpp"
#include "store/store.hpp"

namespace chatrelay::conversations {

struct TranscriptOptions {
  Zone zone = {};                        // whose times are shown
  bool agents_too = false;               // what agents wrote for agents only; never for a visitor's eyes
  std::optional<Rating> rating = {};     // of the thread: the last line. The JSON has it in its event's chat
  std::size_t bytes_max = 1 << 20;       // Limit: of the whole; one message is always there
  std::size_t text_bytes_max = 1 << 16;  // Limit: of one message's text, which ends with "…" then
};

enum class TranscriptForm { messages, text, html };

// [message…] as rules see them, and for each `deleted` (its text, files and form are gone then), and `sent_at_local`
// and `edited_at_local`: the times of the zone (RFC 3339 with offset), null where there is none.
json::value transcript(const std::vector<store::StoredMessage>& messages, const TranscriptOptions& options = {});
// 2026-11-20 11:00 CET  Thomas Anderson: Hello
//     a second line is indented, so that it cannot look like another author's
std::string transcript_text(const std::vector<store::StoredMessage>& messages, const TranscriptOptions& options = {});
// A paragraph a message; nothing but p, b, small, i, br and links to web addresses.
std::string transcript_html(const std::vector<store::StoredMessage>& messages, const TranscriptOptions& options = {});
// One of the three: an array or a text.
json::value transcript_in(TranscriptForm form, const std::vector<store::StoredMessage>& messages,
                          const TranscriptOptions& options);

}  // namespace chatrelay::conversations
