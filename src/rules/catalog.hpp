// Catalog: what rules may deliver to. App builds it from the configured destinations; rules know no destination room.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/zone.hpp"
#include "config/node.hpp"
#include "expression/template.hpp"
#include "store/store.hpp"

namespace chatrelay::rules {

struct WithKey {
  bool required = false;
  expression::Escape escape = expression::Escape::none;
  // The audience of the event's message, where the rule says nothing; and whatever the rule says if that is "agents":
  // what is for agents only never goes to a visitor (Invariant 10).
  bool audience_of_event = false;
};

struct ActionSchema {
  std::map<std::string, WithKey> with;    // keys of `with`
  bool open = false;                      // further keys are allowed
  bool whole_event_without_with = false;  // no `with`: the event itself is the payload
  // Deliveries of one visitor (or one chat) to this action never run at once at its destination, over all chats.
  std::optional<store::LinkScope> lock = {};
};

struct Target {
  std::string destination;
  std::string
      default_action;  // used when the rule names none; empty: the rule must name one (unless actions has one entry)
  std::map<std::string, ActionSchema> actions;
  bool own_chats = false;     // it writes into chats of one source of ours: a linked chat of another is never meant
  config::Node or_else = {};  // of the destination: for every delivery to it that says nothing of its own
};

struct Catalog {
  std::map<std::string, Target> targets;
  std::vector<std::string> sources;  // configured names, plus "chatrelay"
  Zone time_zone;                    // of transcripts
};

}  // namespace chatrelay::rules
