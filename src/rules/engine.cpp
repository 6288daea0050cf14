#include <algorithm>

#include "common/assert.hpp"
#include "common/text.hpp"
#include "event/event.hpp"
#include "rules/late_payload.hpp"
#include "rules/rule.hpp"

namespace chatrelay::rules {
namespace {

// The JSON that rules see of one event: built when the first rule wants it, and no more of it than a rule wants.
class Input {
 public:
  Input(const Event& event, const EventExtras& extras, const Lazy& lazy)
      : event_(event), extras_(extras), lazy_(lazy) {}

  // `.links` is empty unless asked for: `when` and `to` must not depend on what destinations remembered.
  const json::value& with(const Needs& needs) {
    if (value_.is_null()) {
      value_ = to_json(event_, extras_, needs.raw);
      raw_shown_ = needs.raw;
      set_links(false);
    }
    if (needs.raw && !raw_shown_) {
      value_.as_object()["raw"] = event_.raw;
      raw_shown_ = true;
    }
    if (needs.links != links_shown_) set_links(needs.links);
    json::object& object = value_.as_object();
    for (std::size_t i = 0; i < transcript_members.size(); ++i) {
      const TranscriptMember& member = transcript_members[i];
      if (needs.transcripts[i] && !object.contains(member.name))
        object[member.name] = lazy_.transcript ? lazy_.transcript(member) : json::value();
      // Nor does a rule see it because another one asked for it.
      if (!needs.transcripts[i] && member.agents_too) object.erase(member.name);
    }
    return value_;
  }

  std::string_view audience() const { return event_.message ? std::string_view(event_.message->audience) : "all"; }

  // The event as a payload. Transcripts are left out: whether another rule asked for them must not show. Links too:
  // they would keep it from being rendered until its turn comes.
  json::value whole() {
    Needs needs;
    needs.raw = true;
    return copy_of(needs);
  }

  // What these needs show of it, and nothing that another rule asked for.
  json::value copy_of(const Needs& needs) {
    json::value copy = with(needs);
    json::object& object = copy.as_object();
    for (std::size_t i = 0; i < transcript_members.size(); ++i)
      if (!needs.transcripts[i]) object.erase(transcript_members[i].name);
    if (!needs.raw) object["raw"] = nullptr;
    return copy;
  }

 private:
  void set_links(bool show) {
    value_.as_object()["links"] = show ? extras_.links : json::value(json::object());
    links_shown_ = show;
  }

  const Event& event_;
  const EventExtras& extras_;
  const Lazy& lazy_;
  json::value value_;
  bool links_shown_ = true, raw_shown_ = false;
};

}  // namespace

struct Engine::Data {
  std::shared_ptr<const RuleSet> rules;
  std::unique_ptr<expression::Program> program;

  Result<std::optional<Planned>> plan(const Rule& rule, const DeliverySpec& spec, Input& input, LinksAre links) const;
  Result<std::optional<Planned>> plan_one(const Rule& rule, const DeliverySpec& spec, Input& input,
                                          LinksAre links) const;
  Result<std::optional<std::string>> destination(const Rule& rule, const DeliverySpec& spec, Input& input) const;
  Result<void> payload(const Rule& rule, const DeliverySpec& spec, const ActionSchema& schema, Input& input,
                       LinksAre links, Planned& planned) const;
};

Result<std::optional<std::string>> Engine::Data::destination(const Rule& rule, const DeliverySpec& spec,
                                                             Input& input) const {
  if (spec.to.is_constant()) return std::optional(std::string(spec.to.constant().get_string()));
  Needs needs = rule.deliver_needs;
  needs.links = false;
  auto to = spec.to.render(*program, input.with(needs));
  if (!to) return Error(to.error().kind, "to: " + to.error().message);
  if (!*to) return std::optional<std::string>();
  if (!(*to)->is_string() || (*to)->get_string().empty())
    return invalid("to gives " + printable(json::serialize(**to)) + ", which is not a destination's name");
  return std::optional(std::string((*to)->get_string()));
}

Result<void> Engine::Data::payload(const Rule& rule, const DeliverySpec& spec, const ActionSchema& schema, Input& input,
                                   LinksAre links, Planned& planned) const {
  if (!spec.has_with && schema.whole_event_without_with) {
    planned.payload = input.whole();
    return {};
  }
  json::object payload;
  payload.reserve(spec.with.size());
  std::vector<LateKey> late;
  for (const auto& [key, made] : spec.with) {
    const auto entry = schema.with.find(key);
    if (entry == schema.with.end() && !schema.open)
      return invalid("with: " + planned.destination + " takes no \"" + printable(key) + "\"");
    const expression::Escape escape = entry == schema.with.end() ? expression::Escape::none : entry->second.escape;
    const auto source = links == LinksAre::later ? spec.late.find(key) : spec.late.end();
    if (source != spec.late.end()) {
      late.push_back({key, source->second, escape});
      continue;
    }
    auto value = made.render(*program, input.with(rule.deliver_needs), escape);
    if (!value) return Error(value.error().kind, "with: " + key + ": " + value.error().message);
    if (*value) payload[key] = std::move(**value);
  }
  const PayloadDuties duties = duties_of(schema, planned.destination, input.audience());
  if (!late.empty()) {
    Needs needs = rule.deliver_needs;
    needs.links = false;
    planned.inputs = late_inputs(duties, std::move(payload), late, rules->data->tables, input.copy_of(needs),
                                 spec.where.to_string());
    return {};
  }
  const Result<void> whole = fulfil(duties, payload);
  if (!whole) return whole;
  planned.payload = std::move(payload);
  return {};
}

Result<std::optional<Planned>> Engine::Data::plan_one(const Rule& rule, const DeliverySpec& spec, Input& input,
                                                      LinksAre links) const {
  auto to = destination(rule, spec, input);
  if (!to) return to.error();
  if (!*to) return std::optional<Planned>();
  const auto& targets = rules->data->catalog.targets;
  const auto target = targets.find(**to);
  if (target == targets.end())
    return invalid("to: " + unknown_name("a destination", **to, target_names(rules->data->catalog)));
  const ResolvedAction resolved = resolve_action(target->second, spec.action);
  if (resolved.schema == nullptr) return invalid("action: " + resolved.problem);
  Planned planned{rule.name, **to, resolved.action, nullptr};
  planned.lock = resolved.schema->lock;
  const Result<void> made = payload(rule, spec, *resolved.schema, input, links, planned);
  if (!made) return made.error();
  return std::optional(std::move(planned));
}

// With its other way, which is planned now too: what it says must not depend on when the deadline comes.
Result<std::optional<Planned>> Engine::Data::plan(const Rule& rule, const DeliverySpec& spec, Input& input,
                                                  LinksAre links) const {
  auto planned = plan_one(rule, spec, input, links);
  if (!planned || !*planned) return planned;
  const DeliverySpec* with_other = &spec;
  if (!spec.or_else) {
    const auto by_default = rules->data->other_ways.find((*planned)->destination);
    if (spec.no_other_way || by_default == rules->data->other_ways.end()) return planned;
    with_other = &by_default->second;
  }
  auto other = plan_one(rule, *with_other->or_else, input, links);
  if (!other) return Error(other.error().kind, "or_else: " + other.error().message);
  if (!*other || (*other)->destination == (*planned)->destination) return planned;
  (*planned)->other_way = std::make_shared<const Planned>(std::move(**other));
  (*planned)->other_way_after = with_other->or_else_after;
  return planned;
}

Engine::Engine(std::shared_ptr<const RuleSet> rules) : data_(std::make_unique<Data>()) {
  data_->rules = std::move(rules);
  const RuleSet::Data& set = *data_->rules->data;
  {
    const std::lock_guard lock(set.spare_mutex);
    data_->program = std::move(set.spare);
  }
  if (data_->program == nullptr) {
    config::Problems problems;
    data_->program = set.builder.build(problems);
  }
  CHATRELAY_ASSERT(data_->program != nullptr, "a rule set that was loaded compiles again");
}

Engine::~Engine() = default;

Decision Engine::decide(const Event& event, const EventExtras& extras, const Lazy& lazy, LinksAre links) {
  Decision decision;
  const RuleSet::Data& set = *data_->rules->data;
  Input input(event, extras, lazy);
  for (const std::size_t index : set.candidates(event.type)) {
    const Rule& rule = set.rules[index];
    if (!rule.takes(event.type, event.source)) continue;
    const auto fail = [&](const config::Location& where, std::string reason) {
      decision.failures.push_back({event.ref.part, rule.name, where.to_string(), std::move(reason)});
    };
    if (rule.when) {
      const auto holds = data_->program->holds(*rule.when, input.with(rule.when_needs));
      if (!holds) {
        fail(rule.where, "when: " + holds.error().message);
        continue;
      }
      if (!*holds) {
        if (!decision.untaken && event.type == event_type::offline_message)
          decision.untaken = {event.ref.part, rule.name, rule.where.to_string(),
                              "when: did not hold, and no other rule took this offline message: it reaches nobody"};
        continue;
      }
    }
    decision.matched.push_back(rule.name);
    // Whole or not at all: half of a rule's deliveries, planned again after the rule was mended, would arrive twice.
    std::vector<Planned> planned;
    bool failed = false;
    for (const DeliverySpec& spec : rule.deliver) {
      auto made = data_->plan(rule, spec, input, links);
      if (!made) {
        fail(spec.where, made.error().message);
        failed = true;
        break;
      }
      if (*made) planned.push_back(std::move(**made));
    }
    if (!failed) std::ranges::move(planned, std::back_inserter(decision.deliveries));
    if (rule.stop) break;
  }
  if (!decision.matched.empty() || !decision.failures.empty()) decision.untaken.reset();
  return decision;
}

}  // namespace chatrelay::rules
