// Folding: what a chat is, built from its events one after another. Pure and idempotent: folding an event again changes
// nothing. Enrichment is "as of the event": an event is completed with what earlier events of its chat said.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "event/event.hpp"
#include "store/store.hpp"

namespace chatrelay::conversations {

// The state of one chat after some of its events.
struct Conversation {
  std::optional<Chat> chat;
  std::optional<Visitor> visitor;
  std::optional<Agent> agent;                    // who serves the chat now (the last agent who joined or wrote)
  std::map<std::string, Person> people;          // by id. Limit: 50, oldest dropped
  std::map<std::string, Rating> ratings;         // by thread, as told last. Limit: 100
  std::vector<std::string> seen_message_ids;     // of incoming_chat's first events: what makes `repeated`. Limit: 200
  EventSeq last_event = 0;                       // folded up to here; an event <= last_event is not folded again
};

json::value to_json(const Conversation& conversation);
Conversation conversation_from_json(const json::value& value);

struct Folded {
  std::vector<Event> events;                     // completed; derived parts that say nothing new are left out
  std::vector<store::PlannedPart> parts;         // of all decoded parts, suppressed ones marked
  std::optional<store::ConversationUpdate> update;  // nullopt: the webhook concerns no chat
};

// Folds all parts of one webhook into `conversation` (changed in place) and completes the events.
// `now` is the time of the webhook's arrival, for active_at.
Folded fold(Conversation& conversation, std::vector<Event> parts);

// The text of a conversation, for {{ .transcript_text }} and friends: visitor-visible messages only.
json::value transcript(const std::vector<store::StoredMessage>& messages);
std::string transcript_text(const std::vector<store::StoredMessage>& messages);
std::string transcript_html(const std::vector<store::StoredMessage>& messages);

}  // namespace chatrelay::conversations
