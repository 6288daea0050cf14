// A rule as loaded, and the set of them. Private to this room.
#pragma once

#include <bitset>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/node.hpp"
#include "expression/template.hpp"
#include "rules/catalog.hpp"
#include "rules/rules.hpp"

namespace chatrelay::rules {

// Keys of the input that are made only where an expression could read them.
struct Needs {
  std::bitset<transcript_members.size()> transcripts;
  bool links = false;
  bool raw = false;  // often the largest part of an event, seldom asked for

  void add(const Needs& other) {
    transcripts |= other.transcripts;
    links = links || other.links;
    raw = raw || other.raw;
  }
};

struct DeliverySpec {
  config::Location where;
  expression::Template to;
  std::string action;  // as written; empty: the target's default
  bool has_with = false;
  std::vector<std::pair<std::string, expression::Template>> with;
  std::map<std::string, json::value> late;  // keys of `with` that use links, as written
  bool no_other_way = false;                // or_else: none; the destination's default does not hold
  std::shared_ptr<const DeliverySpec> or_else;
  Millis or_else_after{0};
};

struct Rule {
  std::string name;
  config::Location where;
  bool every_type = false;  // on: "*"
  std::vector<std::string> on;
  std::vector<std::string> from;  // empty: every source but chatrelay itself
  std::optional<expression::ExpressionId> when;
  std::vector<DeliverySpec> deliver;
  bool enabled = true;
  bool waits = false;  // if_destination names one that is not configured: the rule is off
  bool stop = false;
  Needs when_needs, deliver_needs;

  bool takes(std::string_view type, std::string_view source) const;
};

struct RuleSet::Data {
  explicit Data(Catalog c, expression::Builder b) : catalog(std::move(c)), builder(std::move(b)) {}

  // In rule order.
  const std::vector<std::size_t>& candidates(std::string_view type) const;
  void make_index();

  Catalog catalog;
  expression::Builder builder;
  json::object tables;
  std::vector<Rule> rules;                                      // enabled ones
  std::map<std::string, DeliverySpec, std::less<>> other_ways;  // destinations' defaults: or_else of each is set
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_type;
  std::vector<std::size_t> for_other_types;

  // The program that loading made to check everything; the first Engine takes it, so that it is not compiled twice.
  mutable std::mutex spare_mutex;
  mutable std::unique_ptr<expression::Program> spare;
};

// What a rule's action means at a target: the schema, or why there is none.
struct ResolvedAction {
  std::string action;
  const ActionSchema* schema = nullptr;
  std::string problem;  // set if schema is not
};
ResolvedAction resolve_action(const Target& target, const std::string& action);
// `if_destination`: are all that it names configured? True without it. Shipped rules use it, so that they fit a
// configuration that lacks their destination.
bool has_destinations(const config::Node& node, const Catalog& catalog);
// "\"team\" is not a destination; did you mean teams?"; `what` comes with its article.
std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known);
std::vector<std::string> target_names(const Catalog& catalog);

// The rule files of folders and files, in order; `tests` asks for the *_test.yaml instead. A path that is not there is
// a problem.
std::vector<std::string> rule_files(const std::vector<std::string>& paths, bool tests, config::Problems& problems);

}  // namespace chatrelay::rules
