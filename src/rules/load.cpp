#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "common/text.hpp"
#include "event/event.hpp"
#include "rules/event_members.hpp"
#include "rules/event_types.hpp"
#include "rules/rule.hpp"

namespace chatrelay::rules {
namespace {

using config::Node;
using expression::Template;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Names in `on`, `from`, `action`: text as written, without ${…}.
std::vector<std::string> names_of(const Node& node) {
  std::vector<std::string> names;
  for (const Node& child : node.items()) {
    const json::value value = child.json(false);
    if (value.is_string() && !value.get_string().empty())
      names.emplace_back(value.get_string());
    else
      child.problem("must be a name");
  }
  return names;
}

}  // namespace

bool has_destinations(const Node& node, const Catalog& catalog) {
  if (!node) return true;
  const std::vector<std::string> names = names_of(node);
  return std::ranges::all_of(names, [&](const std::string& name) { return catalog.targets.contains(name); });
}

namespace {

// Reads one file's rules. Everything wrong is a problem; reading goes on.
class Loader {
 public:
  Loader(RuleSet::Data& data, config::Problems& problems) : data_(data), problems_(problems) {}

  // What the destinations say themselves. `rule` stands for any rule: its needs are those of every rule that may
  // deliver there.
  void defaults() {
    for (const auto& [name, target] : data_.catalog.targets) {
      if (!target.or_else) continue;
      Rule any;
      any.name = name;
      DeliverySpec spec;
      or_else(target.or_else, spec, any);
      if (!spec.or_else) continue;
      leads_elsewhere(target.or_else, name, *spec.or_else);
      default_needs_.emplace(name, any.deliver_needs);
      data_.other_ways.emplace(name, std::move(spec));
    }
  }

  void file(const Node& root) {
    if (!root) return;
    if (!root.is_map()) return root.problem("must be a map with the key rules");
    root.only({"rules"});
    const Node rules = root["rules"];
    if (rules.is_map() || rules.is_scalar()) return rules.problem("must be a list of rules");
    for (const Node& node : rules.items()) rule(node);
  }

 private:
  void rule(const Node& node) {
    if (!node.is_map()) return node.problem("must be a map: name, on, deliver");
    node.only({"name", "on", "from", "when", "deliver", "enabled", "stop", "if_destination"});
    Rule rule;
    rule.where = node.where();
    rule.name = name(node);
    rule.enabled = node["enabled"].boolean(true);
    rule.stop = node["stop"].boolean(false);
    rule.waits = !has_destinations(node["if_destination"], data_.catalog);
    on(node, rule);
    from(node, rule);
    when(node, rule);
    const Node deliver = node["deliver"];
    if (deliver.size() == 0 && !deliver.is_map()) node.problem("has no deliver: a rule says where its events go");
    if (deliver.is_scalar()) {
      deliver.problem("must be a list of {to, action, with}");
    } else {
      for (const Node& item : deliver.items()) rule.deliver.push_back(delivery(item, rule));
    }
    if (rule.enabled && !rule.waits) data_.rules.push_back(std::move(rule));
  }

  std::string name(const Node& node) {
    const json::value value = node["name"].json(false);
    const std::string name = value.is_string() ? std::string(value.get_string())
                                               : (node["name"].present() ? json::serialize(value) : std::string());
    if (name.empty()) {
      node.problem("has no name: deliveries and failures are listed by it");
      return name;
    }
    const auto [at, added] = names_.try_emplace(name, node["name"].where());
    if (!added)
      node["name"].problem("\"" + printable(name) + "\" is the name of another rule too, at " + at->second.to_string());
    return name;
  }

  void on(const Node& node, Rule& rule) {
    const Node types = node["on"];
    if (!types) return node.problem("has no on: an event type, a list of them, or \"*\"");
    if (types.is_map()) return types.problem("must be an event type, a list of them, or \"*\"");
    rule.on = names_of(types);
    if (types.is_list() && types.size() == 0) types.problem("is empty: the rule would never apply");
    for (const std::string& type : rule.on) {
      if (type == "*") {
        rule.every_type = true;
      } else if (!is_known_type(type)) {
        const std::string_view near = nearest_type(type);
        types.warning("names \"" + printable(type) + "\", which is not a type that chatrelay knows" +
                      (near.empty() ? "; it matches only if a system has an action of that name"
                                    : "; did you mean " + std::string(near) + "?"));
      }
    }
  }

  void from(const Node& node, Rule& rule) {
    const Node sources = node["from"];
    if (!sources) return;
    if (sources.is_map()) return sources.problem("must be a source's name or a list of them");
    rule.from = names_of(sources);
    if (sources.is_list() && sources.size() == 0)
      sources.problem("is empty: leave it out to take events of every source");
    for (const std::string& source : rule.from)
      if (std::ranges::find(data_.catalog.sources, source) == data_.catalog.sources.end())
        missing(sources, rule, unknown_name("a source", source, data_.catalog.sources));
  }

  // What a rule names and the configuration has not. A rule that is off may wait for it.
  void missing(const Node& at, const Rule& rule, const std::string& message) {
    if (rule.waits) return;
    if (rule.enabled)
      problems_.add(at.where(), message);
    else
      problems_.warn(at.where(), message + " (the rule is off)");
  }

  void when(const Node& node, Rule& rule) {
    const Node when = node["when"];
    if (!when) return;
    const json::value value = when.is_scalar() ? when.json(false) : json::value();
    if (!value.is_string() && !value.is_bool()) return when.problem("must be a jq expression");
    const std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    if (trim(text).starts_with("{{")) return when.problem("is a jq expression by itself: write it without {{ }}");
    rule.when = data_.builder.add(text, when.where(), problems_);
    if (data_.builder.names(*rule.when, "links")) when.problem("uses .links, which rules may use only in with");
    for (std::size_t i = 0; i < transcript_members.size(); ++i)
      rule.when_needs.transcripts[i] = transcript_members[i].agents_too
                                           ? data_.builder.names(*rule.when, transcript_members[i].name)
                                           : data_.builder.mentions(*rule.when, transcript_members[i].name);
    rule.when_needs.raw = data_.builder.mentions(*rule.when, "raw");
  }

  DeliverySpec delivery(const Node& node, Rule& rule) {
    DeliverySpec spec;
    spec.where = node.where();
    if (!node.is_map()) {
      node.problem("must be a map: to, action, with");
      return spec;
    }
    node.only({"to", "action", "with", "or_else"});
    spec.action = action(node);
    spec.to = to(node, rule);
    with(node, spec);
    check(node, spec, rule);
    check_linked(node, spec);
    add_needs(spec, rule.deliver_needs);
    if (node["or_else"].present()) or_else(node["or_else"], spec, rule);
    if (spec.or_else && spec.to.is_constant() && spec.to.constant().is_string())
      leads_elsewhere(node["or_else"], std::string(spec.to.constant().get_string()), *spec.or_else);
    if (!spec.or_else && !spec.no_other_way) add_default_needs(spec, rule.deliver_needs);
    return spec;
  }

  void or_else(const Node& node, DeliverySpec& spec, Rule& rule) {
    if (node.is_scalar() && node.json(false) == json::value("none")) {
      spec.no_other_way = true;
      return;
    }
    if (!node.is_map()) return node.problem("must be a map (after, to, action, with), or none");
    node.only({"after", "to", "action", "with"});
    spec.or_else_after = node["after"].duration(Millis(0));
    if (!node["after"])
      node.problem("has no after: how long to wait before going on to it");
    else if (spec.or_else_after <= Millis(0))
      node["after"].problem("must be longer than 0");
    auto other = std::make_shared<DeliverySpec>();
    other->where = node.where();
    other->action = action(node);
    other->to = to(node, rule);
    with(node, *other);
    check(node, *other, rule);
    check_linked(node, *other);
    add_needs(*other, rule.deliver_needs);
    spec.or_else = std::move(other);
  }

  static void leads_elsewhere(const Node& node, const std::string& from, const DeliverySpec& other) {
    if (other.to.is_constant() && other.to.constant() == json::value(json::string(from)))
      node["to"].problem("is " + from + " again: another way leads to another destination");
  }

  static std::string action(const Node& node) {
    const Node action = node["action"];
    if (!action) return {};
    const json::value value = action.is_scalar() ? action.json(false) : json::value();
    if (!value.is_string() || value.get_string().find("{{") != json::string::npos) {
      action.problem("must be an action's name");
      return {};
    }
    return std::string(value.get_string());
  }

  Template to(const Node& node, const Rule& rule) {
    const Node to = node["to"];
    if (!to || !to.is_scalar()) {
      (to ? to : node).problem(to ? "must be a destination's name" : "has no to: the destination's name");
      return {};
    }
    Template made = Template::parse(to, data_.builder, problems_);
    if (made.names(data_.builder, "links")) to.problem("uses .links, which rules may use only in with");
    if (!made.is_constant()) return made;
    const json::value& value = made.constant();
    if (!value.is_string() || value.get_string().empty()) {
      to.problem("must be a destination's name");
      return {};
    }
    const std::string name(value.get_string());
    if (!data_.catalog.targets.contains(name))
      missing(to, rule, unknown_name("a destination", name, target_names(data_.catalog)));
    return made;
  }

  void with(const Node& node, DeliverySpec& spec) {
    const Node with = node["with"];
    spec.has_with = with.present();
    if (!spec.has_with) return;
    if (!with.is_map()) return with.problem("must be a map of what the action takes");
    for (const std::string& key : with.keys()) {
      // chat: {linked: team, by: {thread_ts: .raw.event.thread_ts}}
      const bool linked = key == "chat" && with[key].is_map() && with[key]["linked"].present();
      spec.with.emplace_back(key, Template::parse(with[key], data_.builder, problems_, linked ? "by" : ""));
      const Template& made = spec.with.back().second;
      // Which chat is meant is known at planning: it is never rendered late, where its texts would not be expressions.
      if (linked && made.names(data_.builder, "links"))
        with[key].problem("uses .links: which chat is linked is said by the event alone");
      else if (!linked && made.mentions(data_.builder, "links"))
        spec.late.emplace(key, with[key].json(false));
    }
  }

  // Action and keys, against the target; against any target if only running shows which one it is.
  void check(const Node& node, const DeliverySpec& spec, const Rule& rule) {
    if (!spec.to.is_constant()) {
      const auto fits = [&](const auto& target) {
        return resolve_action(target.second, spec.action).schema != nullptr;
      };
      if (!std::ranges::any_of(data_.catalog.targets, fits))
        missing(spec.action.empty() ? node : node["action"], rule,
                spec.action.empty() ? "no destination has a single action; name one with action"
                                    : "no destination has an action " + spec.action);
      return;
    }
    const json::value& to = spec.to.constant();
    const auto target = data_.catalog.targets.find(to.is_string() ? std::string(to.get_string()) : std::string());
    if (target == data_.catalog.targets.end()) return;  // said already
    const ResolvedAction resolved = resolve_action(target->second, spec.action);
    if (resolved.schema == nullptr) return (spec.action.empty() ? node : node["action"]).problem(resolved.problem);
    check_keys(node, spec, *resolved.schema, target->first);
  }

  // Chat ids of two sources may be the same, and an answer must not reach somebody else's visitor. A bridge has two
  // sources; where there are more, only the rule knows whose chats its destination writes into. Kind conversation
  // knows it itself, and takes a message's author.
  void check_linked(const Node& node, const DeliverySpec& spec) {
    const Node chat = node["with"]["chat"];
    if (!chat.is_map() || !chat["linked"].present()) return;
    if (const Node source = chat["source"]; source.present()) {
      const std::string name = source.string();
      if (std::ranges::find(data_.catalog.sources, name) == data_.catalog.sources.end())
        source.problem(unknown_name("a source", name, data_.catalog.sources));
      return;
    }
    const auto own = [](const std::string& name) { return name == own_source; };
    const auto others = static_cast<std::size_t>(std::ranges::count_if(data_.catalog.sources, std::not_fn(own)));
    const bool knows = spec.to.is_constant() && spec.to.constant().is_string() &&
                       is_own_chats(std::string(spec.to.constant().get_string()));
    if (others > 2 && !knows)
      chat.problem("needs source: whose chats these are, since ids of two sources may be the same");
  }

  bool is_own_chats(const std::string& destination) const {
    const auto target = data_.catalog.targets.find(destination);
    return target != data_.catalog.targets.end() && target->second.own_chats;
  }

  static void check_keys(const Node& node, const DeliverySpec& spec, const ActionSchema& schema,
                         const std::string& target) {
    std::vector<std::string> known;
    for (const auto& entry : schema.with) known.push_back(entry.first);
    for (const auto& [key, made] : spec.with)
      if (!schema.open && !schema.with.contains(key))
        node["with"][key].problem(unknown_name("a key of what " + target + " takes", key, known) +
                                  (known.empty() ? "" : " (" + joined(known) + ")"));
    if (!spec.has_with && schema.whole_event_without_with) return;
    for (const auto& [key, entry] : schema.with)
      if (entry.required &&
          std::ranges::find(spec.with, key, &std::pair<std::string, Template>::first) == spec.with.end())
        (spec.has_with ? node["with"] : node).problem("lacks \"" + key + "\", which " + target + " needs");
  }

  // What is for agents only has to be asked for by its name: `{{ . }}` does not ask for it.
  bool asks_for(const Template& made, const TranscriptMember& member) const {
    return member.agents_too ? made.names(data_.builder, member.name) : made.mentions(data_.builder, member.name);
  }

  void add_needs(const DeliverySpec& spec, Needs& needs) const {
    const auto add = [&](const Template& made, bool links_too) {
      const auto& builder = data_.builder;
      for (std::size_t i = 0; i < transcript_members.size(); ++i)
        needs.transcripts[i] = needs.transcripts[i] || asks_for(made, transcript_members[i]);
      needs.raw = needs.raw || made.mentions(builder, "raw");
      needs.links = needs.links || (links_too && made.mentions(builder, "links"));
    };
    add(spec.to, false);
    for (const auto& entry : spec.with) add(entry.second, true);
  }

  void add_default_needs(const DeliverySpec& spec, Needs& needs) const {
    for (const auto& [name, of_default] : default_needs_) {
      if (spec.to.is_constant() && spec.to.constant() != json::value(json::string(name))) continue;
      needs.add(of_default);
    }
  }

  RuleSet::Data& data_;
  config::Problems& problems_;
  std::map<std::string, config::Location> names_;
  std::map<std::string, Needs> default_needs_;  // of destinations that name another way themselves
};

// Each misspelt path once an expression.
void warn_of_unknown_members(const expression::Builder& builder, config::Problems& problems) {
  for (expression::ExpressionId id = 0; id < builder.size(); ++id) {
    std::set<std::string> told;
    for (const std::vector<std::string>& path : builder.paths(id))
      if (std::string unknown = unknown_member(path); !unknown.empty() && told.insert(unknown).second)
        problems.warn(builder.where(id), "\"" + printable(builder.text(id)) + "\": " + unknown);
  }
}

}  // namespace

std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  const std::string_view near = nearest(name, candidates.data(), candidates.size());
  return "\"" + printable(name) + "\" is not " + std::string(what) +
         (near.empty() ? "" : "; did you mean " + std::string(near) + "?");
}

std::vector<std::string> target_names(const Catalog& catalog) {
  std::vector<std::string> names;
  for (const auto& target : catalog.targets) names.push_back(target.first);
  return names;
}

ResolvedAction resolve_action(const Target& target, const std::string& action) {
  std::vector<std::string> names;
  for (const auto& entry : target.actions) names.push_back(entry.first);
  std::string wanted = action.empty() ? target.default_action : action;
  if (wanted.empty() && names.size() == 1) wanted = names.front();
  if (wanted.empty() && !target.actions.contains(wanted))
    return {{}, nullptr, "needs an action; " + target.destination + " has: " + joined(names)};
  if (const auto found = target.actions.find(wanted); found != target.actions.end())
    return {wanted, &found->second, {}};
  return {{},
          nullptr,
          unknown_name("an action of " + target.destination, wanted, names) +
              (names.empty() ? "" : " (it has: " + joined(names) + ")")};
}

bool Rule::takes(std::string_view type, std::string_view source) const {
  const bool listed = std::ranges::find(on, type) != on.end();
  const bool named = std::ranges::find(from, source) != from.end();
  if (!from.empty()) return named && (listed || every_type);
  // chatrelay's own troubles are not for "*": a rule that archives all chats does not mean them.
  return listed || (every_type && source != own_source);
}

void RuleSet::Data::make_index() {
  for (const Rule& rule : rules)
    for (const std::string& type : rule.on) by_type.try_emplace(type);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].every_type) for_other_types.push_back(i);
    for (auto& [type, list] : by_type)
      if (rules[i].every_type || std::ranges::find(rules[i].on, type) != rules[i].on.end()) list.push_back(i);
  }
}

const std::vector<std::size_t>& RuleSet::Data::candidates(std::string_view type) const {
  const auto found = by_type.find(type);
  return found == by_type.end() ? for_other_types : found->second;
}

std::shared_ptr<const RuleSet> RuleSet::load(const std::vector<std::string>& paths, const Catalog& catalog,
                                             const boost::json::object& tables, config::Problems& problems,
                                             const config::Environment& environment) {
  config::Problems own;
  auto data = std::make_shared<Data>(catalog, expression::Builder(tables));
  data->tables = tables;
  {
    Loader loader(*data, own);
    loader.defaults();
    for (const std::string& file : rule_files(paths, false, own))
      loader.file(config::Document::load(file, own, environment));
  }
  warn_of_unknown_members(data->builder, own);
  // Compiled even after other problems, so that all are told at once.
  data->spare = data->builder.build(own);
  data->make_index();
  const bool usable = !own.has_errors() && data->spare != nullptr;
  problems.append(own);
  if (!usable) return nullptr;
  auto set = std::make_shared<RuleSet>();
  set->data = std::move(data);
  return set;
}

RuleSet::~RuleSet() = default;

std::size_t RuleSet::size() const {
  return data->rules.size();
}

std::vector<std::string> RuleSet::destinations_for(std::string_view type, std::string_view source) const {
  std::set<std::string> names;
  for (const std::size_t i : data->candidates(type)) {
    if (!data->rules[i].takes(type, source)) continue;
    for (const DeliverySpec& spec : data->rules[i].deliver) {
      if (spec.to.is_constant()) {
        names.emplace(spec.to.constant().get_string());
      } else {
        for (const std::string& name : target_names(data->catalog)) names.insert(name);  // any of them
      }
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace chatrelay::rules
