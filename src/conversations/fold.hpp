// Folding: what a chat is, built from its events one after another. Pure and idempotent: folding an event again changes
// nothing. Enrichment is "as of the event": an event is completed with what earlier events of its chat said.
//
// Webhooks overtake each other: a message may come before its incoming_chat or after the chat's ending, an edit before
// what it edits, an event of a thread after the next thread began. None of these may lose, double or reopen anything.
// One ending may be taken back: that by silence (silent_chats.hpp), which is ours and says only that nobody spoke.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "conversations/transcript.hpp"
#include "event/event.hpp"
#include "store/store.hpp"

namespace chatrelay::conversations {

// The state of one chat after some of its events. All lists have the newest entry last and drop the oldest at their
// limit.
struct Conversation {
  std::optional<Chat> chat;  // with the thread that began last
  std::optional<Visitor> visitor;
  std::optional<Agent> agent;  // who serves the chat now (the last agent who joined or wrote)
  std::vector<Person> people;  // Limit: 50. Of visitors only id, name and e-mail: all else is in `visitor`
  std::vector<std::pair<std::string, Rating>> ratings;  // by thread, as told last. Limit: 100
  std::vector<Chat> earlier_threads;                    // for webhooks that come late; without properties. Limit: 5
  std::vector<std::string> opened_threads;              // whose incoming_chat was folded. Limit: 10
  std::vector<std::string> seen_message_ids;  // of incoming_chat's first events: what makes `repeated`. Limit: 200
  std::vector<std::string>
      early_message_ids;  // came while their incoming_chat was not there yet. Limit: 16, it is written often
  std::vector<std::string> changed_message_ids;  // edited or deleted: the original may still come. Limit: 50
  std::vector<std::string>
      silent_threads;       // ended by silence (silent_chats.hpp): what is said next begins them again. Limit: 10
  EventSeq last_event = 0;  // folded up to here; an event <= last_event is not folded again
};

json::value to_json(const Conversation& conversation);
Conversation conversation_from_json(const json::value& value);  // a missing or strange member counts as empty

struct Folded {
  std::vector<Event> events;                        // completed; ratings that say nothing new are left out
  std::vector<store::PlannedPart> parts;            // of all decoded parts, suppressed ones marked
  std::optional<store::ConversationUpdate> update;  // nullopt: the webhook concerns no chat, or was folded before
};

// Folds all parts of one webhook into `conversation` (changed in place) and completes the events. All parts that name a
// chat name the same one. An event without a number (ref.seq 0: written by hand in a rule's test) is always folded.
Folded fold(Conversation& conversation, std::vector<Event> parts);

}  // namespace chatrelay::conversations
