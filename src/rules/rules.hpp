// Rules: an event in, planned deliveries out. Pure: no clock, no I/O. A rule that fails on an event is a failure of
// that rule alone; the others go on, and of the failed one nothing is delivered.
//
// chatrelay's own events (source "chatrelay") go only to rules that name their type in `on`, or "chatrelay" in `from`;
// "*" does not mean them. That they never cause each other is kept by who raises them: no event is raised for a
// delivery of an own event.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "conversations/transcript.hpp"
#include "event/event.hpp"
#include "expression/expression.hpp"
#include "rules/catalog.hpp"
#include "store/store.hpp"

namespace chatrelay::rules {

struct Planned {
  std::string rule;
  std::string destination;
  std::string action;
  json::value payload;
  std::string inputs = {};  // set: `with` uses links, and is rendered later from this (late_payload.hpp); no payload
  std::optional<store::LinkScope> lock = {};      // ActionSchema::lock
  std::shared_ptr<const Planned> other_way = {};  // `or_else`, or the destination's default
  Millis other_way_after{0};                      // since the event's commit
};

// What `.links` of a `with` are.
enum class LinksAre {
  known,  // as the extras say
  later,  // a `with` that uses them becomes inputs
};

struct Decision {
  std::vector<Planned> deliveries;  // in rule order
  std::vector<store::RuleFailure> failures;
  std::vector<std::string> matched;  // names of rules whose on, from and when held
  // Of an offline message that no rule took: the first whose `when` said no. Its visitor was told that it was sent.
  std::optional<store::RuleFailure> untaken;
};

// The transcripts that rules may ask for, by the event's member. What agents wrote for agents only is in those whose
// name says that they are for agents: in no other, so that none goes to a visitor by accident.
struct TranscriptMember {
  const char* name;
  conversations::TranscriptForm form;
  bool agents_too;
};
inline constexpr std::array<TranscriptMember, 6> transcript_members{{
    {"transcript", conversations::TranscriptForm::messages, false},
    {"transcript_text", conversations::TranscriptForm::text, false},
    {"transcript_html", conversations::TranscriptForm::html, false},
    {"agents_transcript", conversations::TranscriptForm::messages, true},
    {"agents_transcript_text", conversations::TranscriptForm::text, true},
    {"agents_transcript_html", conversations::TranscriptForm::html, true},
}};

// What a rule may ask for that costs to build; called at most once per event and member, only if a rule that applies
// mentions it.
struct Lazy {
  std::function<json::value(const TranscriptMember& member)> transcript;
};

// An immutable rule set, swapped whole on reload. Thread: any may hold it; an Engine is made from it for each thread.
class RuleSet {
 public:
  // Loads every *.yaml of the folders and files (not *_test.yaml). All problems at once; nullptr if one of them is an
  // error.
  static std::shared_ptr<const RuleSet> load(const std::vector<std::string>& paths, const Catalog& catalog,
                                             const boost::json::object& tables, config::Problems& problems,
                                             const config::Environment& environment);
  ~RuleSet();
  std::size_t size() const;
  // Does an enabled rule take events of this type and source (looking at `on` and `from` only)? Its destinations.
  std::vector<std::string> destinations_for(std::string_view type, std::string_view source) const;

  struct Data;
  std::shared_ptr<const Data> data;
};

class Engine {
 public:
  explicit Engine(std::shared_ptr<const RuleSet> rules);
  ~Engine();
  Decision decide(const Event& event, const EventExtras& extras, const Lazy& lazy, LinksAre links = LinksAre::known);

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace chatrelay::rules
