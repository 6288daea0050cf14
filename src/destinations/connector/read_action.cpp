// `actions:` and `probe:` of a connector file.
#include <algorithm>
#include <set>

#include "common/text.hpp"
#include "destinations/connector/batch_reader.hpp"
#include "destinations/connector/file_reader.hpp"
#include "destinations/connector/http_rules.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::size_t steps_max = 3;                   // Limit: steps of one action
constexpr std::int64_t text_length_max = 100'000'000;  // Limit: what `max` may say

TextLimit read_text_limit(const config::Node& node) {
  node.only({"length", "unit", "mode"});
  TextLimit limit;
  if (!node["length"].present()) node.problem("needs length");
  limit.length = static_cast<std::size_t>(node["length"].integer(1, 1, text_length_max));
  limit.unit = node["unit"].one_of<TextUnit>(
      {{"characters", TextUnit::characters}, {"utf16", TextUnit::utf16}, {"bytes", TextUnit::bytes}},
      TextUnit::characters);
  limit.mode = node["mode"].one_of<TextMode>(
      {{"truncate", TextMode::truncate}, {"split", TextMode::split}, {"reject", TextMode::reject}}, TextMode::truncate);
  return limit;
}

expression::Escape read_escape(const config::Node& node) {
  const std::optional<expression::Escape> escape = expression::escape_from(node.string("none"));
  if (!escape) node.problem("is " + node.shown() + ", which is no escape that there is");
  return escape.value_or(expression::Escape::none);
}

void read_with(const config::Node& node, Action& action) {
  if (!node.present()) return;
  if (!node.is_map()) return node.problem("must be a map of the keys that a rule may give");
  for (const std::string& name : node.keys()) {
    const config::Node key = node[name];
    if (key.present() && !key.is_map()) key.problem("must be a map of required, escape, max, about");
    key.only({"required", "escape", "max", "audience_of_event", "about"});
    rules::WithKey with;
    with.required = key["required"].boolean(false);
    with.escape = read_escape(key["escape"]);
    with.audience_of_event = key["audience_of_event"].boolean(false);
    action.schema.with.emplace(name, with);
    action.with_about.emplace_back(name, key["about"].string());
    if (const config::Node max = key["max"]; max.present()) {
      TextLimit limit = read_text_limit(max);
      limit.escape = with.escape;
      const auto splits = [](const auto& other) { return other.second.mode == TextMode::split; };
      if (limit.mode == TextMode::split && std::ranges::any_of(action.limits, splits))
        max.problem("is the second key that is split; an action splits one");
      action.limits.emplace(name, limit);
    }
  }
}

Idempotency read_idempotency(const config::Node& node) {
  Idempotency idempotency;
  if (!node.present()) return idempotency;
  if (node.is_scalar()) {
    if (node.string() != "none") node.problem("must be none, or a map of header, body or url");
    return idempotency;
  }
  node.only({"header", "body", "url", "ttl"});
  const bool body = node["body"].boolean(false), url = node["url"].boolean(false), header = node["header"].present();
  if ((header ? 1 : 0) + (body ? 1 : 0) + (url ? 1 : 0) != 1)
    node.problem("needs one of header: NAME, body: true, url: true");
  if (body) idempotency.kind = Idempotency::Kind::body;
  if (url) idempotency.kind = Idempotency::Kind::url;
  if (header) {
    idempotency.kind = Idempotency::Kind::header;
    idempotency.header = node["header"].required_string();
    if (!iequals_ascii(idempotency.header, "webhook-id") && !check_header(idempotency.header, ""))
      node["header"].problem("is not a header that can be set");
  }
  if (node["ttl"].present()) idempotency.ttl = node["ttl"].duration(Millis{0});
  return idempotency;
}

using Values = std::vector<std::pair<std::string, AnswerExpression>>;

Values read_values(const config::Node& node, const FileReader& reader, std::string_view but = {}) {
  Values values;
  if (!node.present()) return values;
  if (!node.is_map()) {
    node.problem("must be a map of names to jq on the answer");
    return values;
  }
  for (const std::string& name : node.keys()) {
    if (name == but) continue;
    if (!is_name(name)) node[name].problem("must be lower case letters, digits, - and _");
    values.emplace_back(name, AnswerExpression::read(node[name], reader.builder, reader.problems));
  }
  return values;
}

std::vector<SaveSpec> read_saves(const config::Node& node, const FileReader& reader) {
  std::vector<SaveSpec> saves;
  for (const config::Node& one : node.items()) {
    SaveSpec save;
    if (!one["scope"].present()) one.problem("needs scope: visitor, chat or thread");
    save.scope =
        one["scope"].one_of<std::string>({{"visitor", "visitor"}, {"chat", "chat"}, {"thread", "thread"}}, "chat");
    save.values = read_values(one, reader, "scope");
    if (save.values.empty()) one.problem("saves nothing");
    saves.push_back(std::move(save));
  }
  return saves;
}

// What a step has beside its name and condition.
Step read_step_body(const config::Node& node, const FileReader& reader) {
  Step step;
  step.where = node.where();
  if (!node["request"].present()) node.problem("needs request");
  step.request = read_request(node["request"], reader);
  step.outcome = read_outcomes(node["outcome"], reader);
  step.keep = read_values(node["keep"], reader);
  step.save = read_saves(node["save"], reader);
  return step;
}

void read_steps(const config::Node& node, const FileReader& reader, Action& action) {
  const std::vector<config::Node> steps = node["steps"].items();
  for (const std::string_view key : {"request", "keep", "save"})
    if (node[key].present()) node[key].problem("belongs to a step, where there are steps");
  if (!node["steps"].is_list() || steps.empty() || steps.size() > steps_max)
    node["steps"].problem("must be a list of one to three steps");
  std::set<std::string> names;
  for (const config::Node& one : steps) {
    one.only({"name", "if", "on_repeat", "request", "outcome", "keep", "save"});
    Step step = read_step_body(one, reader);
    step.name = one["name"].required_string();
    if (!step.name.empty() && !is_name(step.name)) one["name"].problem("must be lower case letters, digits, - and _");
    if (!names.insert(step.name).second) one["name"].problem("is the name of an earlier step");
    if (one["if"].present()) step.condition = reader.condition(one["if"]);
    step.on_repeat = one["on_repeat"].boolean(false);
    action.steps.push_back(std::move(step));
  }
  action.outcome = read_outcomes(node["outcome"], reader);
}

void read_lock(const config::Node& node, Action& action) {
  if (!node.present()) return;
  action.schema.lock = node.one_of<std::optional<store::LinkScope>>(
      {{"visitor", store::LinkScope::visitor}, {"chat", store::LinkScope::chat}}, std::nullopt);
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Action read_action(const std::string& name, const config::Node& node, const FileReader& reader) {
  node.only(
      {"about", "with", "event_as", "lock", "idempotency", "request", "steps", "outcome", "save", "keep", "batch"});
  Action action;
  action.name = name;
  action.where = node.where();
  action.about = node["about"].string();
  read_with(node["with"], action);
  action.event_as = node["event_as"].string();
  action.schema.whole_event_without_with = !action.event_as.empty();
  if (!action.event_as.empty() && !action.schema.with.contains(action.event_as)) {
    node["event_as"].problem("must name a key of `with`");
  }
  read_lock(node["lock"], action);
  action.idempotency = read_idempotency(node["idempotency"]);
  if (node["steps"].present()) {
    read_steps(node, reader, action);
  } else {
    action.steps.push_back(read_step_body(node, reader));
  }
  action.batch = read_batch(node, action, reader);
  return action;
}

Action read_probe(const config::Node& node, const FileReader& reader) {
  node.only({"request", "outcome"});
  Action probe;
  probe.name = "probe";
  probe.where = node.where();
  probe.steps.push_back(read_step_body(node, reader));
  return probe;
}

}  // namespace chatrelay::destinations::connector
