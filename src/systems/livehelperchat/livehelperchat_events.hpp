// Live Helper Chat's events: what each is in the common words, and what makes two webhooks tell of the same happening.
// It dispatches hundreds; a webhook may listen to any of them, under the name that the template's author typed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "systems/livehelperchat/livehelperchat_map.hpp"
#include "systems/livehelperchat/livehelperchat_objects.hpp"

namespace chatrelay::systems::livehelperchat {

enum class Kind {
  other,    // keeps its name
  begun,    // the chat
  message,  // somebody wrote
  message_edited,
  message_removed,
  ended,     // the chat, by whoever says so
  left,      // the visitor closed the window: the chat has ended if its status says so
  offline,   // the offline form
  accepted,  // an operator took the chat
  transferred,
  changed,  // the visitor's or the chat's data
  unread,
  rated,
  agent_status,
  activity,    // of a visitor who only looks around
  continuous,  // fires again and again while a condition holds
};

struct EventName {
  std::string_view name;
  Kind kind;
  const char* type;  // nullptr: keeps its name
  Speaker speaker;   // of the message it brings
};

// Every name has an entry: unknown ones that of `other`; what begins with "continuous." is continuous. A body that
// names no event tells of a message if it has one.
EventName event_named(std::string_view name, bool has_message);

// The same for two webhooks that tell of the same; nullopt: nothing in the payload says so. Only the parts that name
// something are looked at.
struct NaturalKey {
  std::string_view what;
  std::string chat, detail;
};
std::optional<NaturalKey> natural_key(const Parts& parts);

}  // namespace chatrelay::systems::livehelperchat
