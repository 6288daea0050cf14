// LinkedChat: `chat: {linked: team, by: {thread_ts: …}}` in a `with`: the chat that the destination `team` remembers by
// that value, in place of the chat's id. A link of scope chat or thread; one of a visitor names no chat.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/json.hpp>

#include "common/error.hpp"
#include "event/delivery.hpp"
#include "event/outcome.hpp"
#include "store/store.hpp"

namespace chatrelay::destinations {

// The answer to a message may overtake the commit of the link that the message led to: it is looked for so often.
inline constexpr int linked_attempts_max = 4;

struct LinkedChat {
  std::string destination, key, value;
  std::string source;  // of whose chats it is one: ids of two sources may be the same. Empty: the rule does not say
};

// nullopt: `chat` names the chat itself, or there is none. Errors: invalid.
Result<std::optional<LinkedChat>> read_linked_chat(const boost::json::value& with);

// Puts the id of the chat in the place of what names it. nullopt: `with` can be used now. `source`: only its chats;
// empty: those of any source. Thread: that of the reader.
std::optional<Outcome> find_linked_chat(Attempt& attempt, store::Reader& reader, const std::string& source);

}  // namespace chatrelay::destinations
