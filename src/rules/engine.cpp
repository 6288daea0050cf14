#include <algorithm>

#include "common/assert.hpp"
#include "common/text.hpp"
#include "event/event.hpp"
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
    add(needs.transcript, "transcript",
        [&] { return lazy_.transcript ? lazy_.transcript() : json::value(json::array()); });
    add(needs.transcript_text, "transcript_text",
        [&] { return json::value(json::string(lazy_.transcript_text ? lazy_.transcript_text() : std::string())); });
    add(needs.transcript_html, "transcript_html",
        [&] { return json::value(json::string(lazy_.transcript_html ? lazy_.transcript_html() : std::string())); });
    return value_;
  }

  std::string_view audience() const { return event_.message ? std::string_view(event_.message->audience) : "all"; }

  // The event as a payload. Transcripts are left out: whether another rule asked for them must not show.
  json::value whole() {
    json::value copy = with({false, false, false, true, true});
    for (const char* key : {"transcript", "transcript_text", "transcript_html"}) copy.as_object().erase(key);
    return copy;
  }

 private:
  void set_links(bool show) {
    value_.as_object()["links"] = show ? extras_.links : json::value(json::object());
    links_shown_ = show;
  }

  template <class Make>
  void add(bool wanted, const char* key, Make make) {
    if (wanted && !value_.as_object().contains(key)) value_.as_object()[key] = make();
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

  Result<std::optional<Planned>> plan(const Rule& rule, const DeliverySpec& spec, Input& input) const;
  Result<std::optional<std::string>> destination(const Rule& rule, const DeliverySpec& spec, Input& input) const;
  Result<json::value> payload(const Rule& rule, const DeliverySpec& spec, const ActionSchema& schema,
                              const std::string& to, Input& input) const;
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

namespace {
bool says_nothing(const json::value* value) {
  return value == nullptr || value->is_null() || (value->is_string() && trim(value->get_string()).empty());
}
}  // namespace

Result<json::value> Engine::Data::payload(const Rule& rule, const DeliverySpec& spec, const ActionSchema& schema,
                                          const std::string& to, Input& input) const {
  if (!spec.has_with && schema.whole_event_without_with) return input.whole();
  json::object payload;
  payload.reserve(spec.with.size());
  for (const auto& [key, made] : spec.with) {
    const auto entry = schema.with.find(key);
    if (entry == schema.with.end() && !schema.open)
      return invalid("with: " + to + " takes no \"" + printable(key) + "\"");
    const expression::Escape escape = entry == schema.with.end() ? expression::Escape::none : entry->second.escape;
    auto value = made.render(*program, input.with(rule.deliver_needs), escape);
    if (!value) return Error(value.error().kind, "with: " + key + ": " + value.error().message);
    if (*value) payload[key] = std::move(**value);
  }
  for (const auto& [key, entry] : schema.with)
    if (entry.audience_of_event && (input.audience() != "all" || says_nothing(payload.if_contains(key))))
      payload[key] = input.audience();
  for (const auto& [key, entry] : schema.with)
    if (entry.required && !payload.contains(key))
      return invalid("with: \"" + key + "\" has no value, and " + to + " needs one");
  return json::value(std::move(payload));
}

Result<std::optional<Planned>> Engine::Data::plan(const Rule& rule, const DeliverySpec& spec, Input& input) const {
  auto to = destination(rule, spec, input);
  if (!to) return to.error();
  if (!*to) return std::optional<Planned>();
  const auto& targets = rules->data->catalog.targets;
  const auto target = targets.find(**to);
  if (target == targets.end())
    return invalid("to: " + unknown_name("a destination", **to, target_names(rules->data->catalog)));
  const ResolvedAction resolved = resolve_action(target->second, spec.action);
  if (resolved.schema == nullptr) return invalid("action: " + resolved.problem);
  auto made = payload(rule, spec, *resolved.schema, **to, input);
  if (!made) return made.error();
  return std::optional(Planned{rule.name, **to, resolved.action, std::move(*made)});
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

Decision Engine::decide(const Event& event, const EventExtras& extras, const Lazy& lazy) {
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
      auto made = data_->plan(rule, spec, input);
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
