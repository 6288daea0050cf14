// SilentChats: chats whose end never came are ended by a configured silence (`conversations: {silence: 12h}`), with an
// event chat_deactivated that says so: activity {by: silence, silent_since, silent_for_s, last_event}.
//
// Nothing is remembered here: silent is what the store says is open and was not heard of, so a restart changes nothing.
// The event is appended like a webhook and planned in its turn, among the chat's others. What was committed between the
// look and the event makes it wrong: folding leaves such an ending out (fold.hpp), because it names the last webhook
// that it knew. It has a dedup key of source, chat, thread and that webhook, so a look that is made again before the
// first ending was planned adds nothing. A room that we serve stays open for its visitor: only its conversation is
// over, and what is said next begins it again.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "common/units.hpp"
#include "conversations/fold.hpp"
#include "store/store.hpp"

namespace chatrelay::conversations {

// The number of the last webhook that an ending by silence knew of (0: it says none); nullopt: not such an event.
std::optional<EventSeq> silence_after(const Event& event);

// The ending of one chat; nullopt: it is not open, or was heard of since `now - silence`. Chats that nobody ever
// finishes (chatbox, operators) and those that never began (no status) are not ended.
std::optional<store::NewEvent> ending_by_silence(const store::ChatRow& row, const Conversation& known, Millis silence,
                                                 WallTime now);

class SilentChats {
 public:
  // References outlive it. Thread: the reader's.
  SilentChats(store::Store& store, store::Reader& reader) : store_(store), reader_(reader) {}

  // Ends what is silent now; answers how many endings were handed to the store. `sources`: the configured ones; events
  // of others would wait for ever. Not for a moment in which the clock may have jumped (as retention).
  // Limit: 1000 endings a look, so that a first look over a large store floods nobody; the next look goes on.
  Result<std::size_t> look(Millis silence, WallTime now, const std::set<std::string, std::less<>>& sources);

 private:
  store::Store& store_;
  store::Reader& reader_;
  store::ChatPk after_ = 0;  // where the last look stopped at its limit; the next one goes on there
};

}  // namespace chatrelay::conversations
