// Catalog: what rules may deliver to. App builds it from the configured destinations; rules know no destination room.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "expression/template.hpp"

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
};

struct Target {
  std::string destination;
  std::string
      default_action;  // used when the rule names none; empty: the rule must name one (unless actions has one entry)
  std::map<std::string, ActionSchema> actions;
};

struct Catalog {
  std::map<std::string, Target> targets;
  std::vector<std::string> sources;  // configured names, plus "chatrelay"
};

}  // namespace chatrelay::rules
