#include "deliver/plan_maker.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "common/log.hpp"
#include "common/text.hpp"
#include "deliver/links.hpp"

namespace chatrelay::deliver {

namespace {

// Limit: conversations kept in memory; some kilobytes each.
constexpr std::size_t conversations_max = 2048;
constexpr std::chrono::seconds failure_line_every{10};
constexpr std::size_t reason_bytes_max = 500;

systems::StoredWebhook webhook_of(const store::StoredEvent& event) {
  systems::StoredWebhook webhook;
  webhook.seq = event.seq;
  webhook.id = event.id;
  webhook.source = event.source;
  webhook.received_at = event.received_at;
  webhook.body = event.body;
  webhook.content_type = event.content_type;
  return webhook;
}

store::RuleFailure failure_of(const char* stage, const std::string& reason) {
  store::RuleFailure failure;
  failure.reason = std::string(stage) + " failed: " + std::string(truncate_utf8(repair_utf8(reason), reason_bytes_max));
  return failure;
}

store::PlannedPart part_of(const Event& event) {
  store::PlannedPart part;
  part.part = event.ref.part;
  part.type = event.type;
  if (event.chat) {
    part.chat_id = event.chat->id.value_or("");
    part.thread_id = event.chat->thread_id.value_or("");
  }
  return part;
}

std::vector<store::PlannedPart> parts_of(const std::vector<Event>& events) {
  std::vector<store::PlannedPart> parts;
  for (const Event& event : events) parts.push_back(part_of(event));
  if (parts.empty()) {
    store::PlannedPart part;
    part.type = event_type::invalid_payload;
    parts.push_back(std::move(part));
  }
  return parts;
}

// Newer messages of this thread over older ones, by id; new ones at the end.
void overlay(std::vector<store::StoredMessage>& messages, const std::vector<store::StoredMessage>& newer,
             const std::string& thread_id, EventSeq upto) {
  for (const store::StoredMessage& message : newer) {
    if (!thread_id.empty() && message.thread_id != thread_id) continue;
    if (message.event > upto) continue;
    const auto known =
        std::find_if(messages.begin(), messages.end(), [&](const auto& m) { return m.id == message.id; });
    if (known == messages.end()) {
      messages.push_back(message);
    } else {
      *known = message;
    }
  }
}

}  // namespace

PlanMaker::PlanMaker(store::Reader& reader, presence::Board& presence, Metrics& metrics, const Clock& clock,
                     std::function<void()> settle)
    : reader_(reader),
      presence_(presence),
      metrics_(metrics),
      clock_(clock),
      settle_(std::move(settle)),
      cache_(conversations_max) {}
PlanMaker::~PlanMaker() = default;

void PlanMaker::use(const PlannerSetup& setup) {
  sources_ = setup.make_sources();
  engine_ = std::make_unique<rules::Engine>(setup.rules);
  destinations_ = {setup.destinations.begin(), setup.destinations.end()};
  time_zone_ = setup.time_zone;
  missing_told_.clear();
}

std::string PlanMaker::chat_of(const std::vector<Event>& parts) {
  for (const Event& event : parts)
    if (event.chat && event.chat->id && !event.chat->id->empty()) return *event.chat->id;
  return {};
}

std::vector<Event> PlanMaker::decode(const store::StoredEvent& event) {
  return sources_.at(event.source)->decode(webhook_of(event));
}

Result<void> PlanMaker::plan(const store::StoredEvent& event, std::vector<store::Plan>& batch) {
  store::Plan plan;
  plan.event = event.seq;
  plan.planned_at = clock_.now();
  const char* stage = "decoding";
  read_error_.reset();
  std::string chat_id;
  std::vector<Event> parts;
  conversations::Conversation none;  // of a webhook that concerns no chat
  try {
    parts = decode(event);
    chat_id = chat_of(parts);
    plan.parts = parts_of(parts);
    conversations::Conversation* conversation = &none;
    if (!chat_id.empty()) {
      stage = "reading the conversation";
      const auto cached = cache_.get(reader_, event.source, chat_id);
      if (!cached && cached.error().kind == ErrorKind::unavailable) return cached.error();
      // What will not pass by itself must not stop the webhooks of other chats.
      if (!cached) throw std::runtime_error(cached.error().message);
      conversation = *cached;
    }
    stage = "folding";
    conversations::Folded folded = conversations::fold(*conversation, std::move(parts));
    if (!folded.parts.empty()) plan.parts = std::move(folded.parts);
    plan.conversation = std::move(folded.update);
    tell_presence(folded.events);

    stage = "rules";
    Decided decided;
    decide(
        folded.events, [&](const Event& one) { return transcript(one, batch, plan.conversation); },
        rules::LinksAre::later, decided);
    for (const DecidedDelivery& one : decided.deliveries) {
      if (is_echo(event, chat_id, folded.events, one, decided.failures)) continue;
      note_missing(one.planned.destination);
      if (one.planned.other_way) note_missing(one.planned.other_way->destination);
      plan.deliveries.push_back(row(event.source, chat_id, event.id, one, event.received_at));
    }
    plan.failures = std::move(decided.failures);
  } catch (const std::exception& e) {
    // Whatever it was, it must not stop the webhooks behind it.
    if (std::string_view(stage) == "folding") restore(event.source, chat_id, batch);
    plan.deliveries.clear();
    if (plan.parts.empty()) plan.parts = parts_of({});
    plan.failures = {failure_of(stage, e.what())};
    log::error("a webhook could not be planned",
               {{"event", event.id}, {"source", event.source}, {"stage", stage}, {"error", e.what()}});
  }
  if (read_error_ && read_error_->kind == ErrorKind::unavailable) return *read_error_;
  if (read_error_) plan.failures.push_back(failure_of("reading the transcript", read_error_->message));
  report(event.id, plan.failures);
  batch.push_back(std::move(plan));
  return {};
}

// A fold that stopped half way is not kept: the chat goes back to what the last good plan said of it.
void PlanMaker::restore(const std::string& source, const std::string& chat_id, const std::vector<store::Plan>& batch) {
  if (chat_id.empty()) return;
  for (auto plan = batch.rbegin(); plan != batch.rend(); ++plan) {
    if (!plan->conversation || plan->conversation->chat_id != chat_id || plan->conversation->source != source) continue;
    if (const auto entry = cache_.get(reader_, source, chat_id))
      **entry = conversations::conversation_from_json(plan->conversation->state);
    return;
  }
  if (uncommitted_.contains({source, chat_id})) settle_();
  cache_.forget(source, chat_id);
}

// Webhooks are planned in the order in which they came, so what the last one says is what holds. Saying it again, when
// a batch is planned anew, changes nothing.
void PlanMaker::tell_presence(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (event.type != event_type::routing_status_set || !event.agent || !event.agent->id) continue;
    const json::value* status = event.activity.if_contains("status");
    if (status && status->is_string()) presence_.on_routing_status(*event.agent->id, status->get_string());
  }
}

void PlanMaker::note_missing(const std::string& destination) {
  if (destinations_.contains(destination) || !missing_told_.insert(destination).second) return;
  log::warn("a rule delivers to a destination that is not configured; its deliveries wait",
            {{"destination", destination}});
}

// Two rules that send each other's messages on would never come to an end.
bool PlanMaker::is_echo(const store::StoredEvent& stored, const std::string& chat_id, const std::vector<Event>& events,
                        const DecidedDelivery& decided, std::vector<store::RuleFailure>& failures) {
  const auto event = std::ranges::find_if(events, [&](const Event& one) { return one.ref.part == decided.part; });
  // Whatever its type: a generic source's `map` names messages as it likes.
  if (event == events.end() || !event->message || !event->message->text) return false;
  const conversations::Way way{stored.source, chat_id, decided.planned.destination};
  if (!echoes_.is_loop(way, *event->message->text, stored.received_at)) return false;
  store::RuleFailure failure;
  failure.part = decided.part;
  failure.rule = decided.planned.rule;
  failure.reason = "the message goes in circles between two chats, and was not sent to \"" +
                   decided.planned.destination + "\" once more: a rule sends back what another rule sent";
  failures.push_back(std::move(failure));
  return true;
}

store::Plan PlanMaker::plan_as_failed(const store::StoredEvent& event, const std::string& reason) const {
  store::Plan plan;
  plan.event = event.seq;
  plan.planned_at = clock_.now();
  plan.parts = parts_of({});
  plan.failures = {failure_of("storing the plan", reason)};
  return plan;
}

void PlanMaker::decide(const std::vector<Event>& events,
                       const std::function<std::vector<store::StoredMessage>(const Event&)>& transcript,
                       rules::LinksAre links, Decided& decided) {
  EventExtras extras;
  // Without `presence` in the configuration nobody knows.
  extras.presence = {{"online", presence_.configured() ? json::value(presence_.online()) : json::value(nullptr)}};
  for (const Event& event : events) {
    std::optional<std::vector<store::StoredMessage>> messages;  // read at most once for an event
    const auto once = [&]() -> const std::vector<store::StoredMessage>& {
      if (!messages) messages = transcript(event);
      return *messages;
    };
    rules::Lazy lazy;
    lazy.transcript = [&](const rules::TranscriptMember& member) {
      conversations::TranscriptOptions options;
      options.zone = time_zone_;
      options.agents_too = member.agents_too;
      if (event.chat) options.rating = event.chat->rating;
      return conversations::transcript_in(member.form, once(), options);
    };
    if (links == rules::LinksAre::known) extras.links = links_now(event);
    rules::Decision decision = engine_->decide(event, extras, lazy, links);
    if (decision.untaken) decision.failures.push_back(std::move(*decision.untaken));
    const std::string visitor_id = event.visitor ? event.visitor->id.value_or("") : std::string();
    for (rules::Planned& planned : decision.deliveries)
      decided.deliveries.push_back({event.ref.part, visitor_id, std::move(planned)});
    for (store::RuleFailure& failure : decision.failures) {
      failure.part = event.ref.part;
      decided.failures.push_back(std::move(failure));
    }
  }
}

json::value PlanMaker::links_now(const Event& event) {
  store::LinkSubject subject;
  subject.source = event.source;
  if (event.visitor) subject.visitor_id = event.visitor->id.value_or("");
  if (event.chat) {
    subject.chat_id = event.chat->id.value_or("");
    subject.thread_id = event.chat->thread_id.value_or("");
  }
  const auto links = reader_.links(subject, "");
  if (links) return links_of_destinations(*links);
  read_error_ = links.error();
  return json::object();
}

// The messages of this thread up to this event: what is committed, under what this batch and this webhook say. A chat
// with messages in the batch that is being committed is rare enough to wait for.
std::vector<store::StoredMessage> PlanMaker::transcript(const Event& event, const std::vector<store::Plan>& batch,
                                                        const std::optional<store::ConversationUpdate>& own) {
  if (!event.chat || !event.chat->id) return {};
  const std::string& chat_id = *event.chat->id;
  const std::string thread_id = event.chat->thread_id.value_or("");
  if (uncommitted_.contains({event.source, chat_id})) settle_();
  auto messages = reader_.messages(event.source, chat_id, thread_id, event.ref.seq);
  if (!messages) {
    read_error_ = messages.error();  // through the rules' code goes no exception: plan() looks here afterwards
    return {};
  }
  for (const store::Plan& earlier : batch) {
    if (!earlier.conversation || earlier.conversation->chat_id != chat_id ||
        earlier.conversation->source != event.source)
      continue;
    overlay(*messages, earlier.conversation->messages, thread_id, event.ref.seq);
  }
  if (own) overlay(*messages, own->messages, thread_id, event.ref.seq);
  return std::move(*messages);
}

store::NewDelivery PlanMaker::row(const std::string& source, const std::string& chat_id, const std::string& event_id,
                                  const DecidedDelivery& decided, WallTime since) {
  return row(source, chat_id, event_id, decided, decided.planned, since);
}

// `planned`: its own, or the other way's.
store::NewDelivery PlanMaker::row(const std::string& source, const std::string& chat_id, const std::string& event_id,
                                  const DecidedDelivery& decided, const rules::Planned& planned, WallTime since) {
  store::NewDelivery delivery;
  delivery.part = decided.part;
  // The chat's visitor is the store's to know.
  if (chat_id.empty()) delivery.visitor_id = decided.visitor_id;
  delivery.lock = planned.lock;
  if (planned.other_way) {
    delivery.deadline = since + planned.other_way_after;
    delivery.other_way =
        std::make_shared<const store::NewDelivery>(row(source, chat_id, event_id, decided, *planned.other_way, since));
  }
  delivery.rule = planned.rule;
  delivery.destination = planned.destination;
  delivery.action = planned.action;
  // Without a chat there is nothing to keep in order with: each such event has a lane of its own.
  delivery.lane = lane_of(planned.destination, source, chat_id.empty() ? event_id : chat_id);
  delivery.inputs = planned.inputs;
  if (delivery.inputs.empty()) delivery.payload = json::serialize(planned.payload);
  return delivery;
}

Result<Decided> PlanMaker::replay(const store::StoredEvent& event, bool show) {
  Decided decided;
  try {
    std::vector<Event> parts = decode(event);
    const std::string chat_id = chat_of(parts);
    conversations::Conversation conversation;
    if (!chat_id.empty()) {
      Result<std::vector<store::StoredEvent>> history = reader_.events_of_chat(event.source, chat_id, event.seq);
      if (!history) return history.error();
      for (const store::StoredEvent& earlier : *history)
        if (earlier.seq < event.seq) conversations::fold(conversation, decode(earlier));
    }
    const conversations::Folded folded = conversations::fold(conversation, std::move(parts));
    const std::vector<store::Plan> no_batch;
    read_error_.reset();
    decide(
        folded.events, [&](const Event& one) { return transcript(one, no_batch, std::nullopt); },
        show ? rules::LinksAre::known : rules::LinksAre::later, decided);
    if (read_error_) return *read_error_;
  } catch (const std::exception& e) {
    decided.deliveries.clear();
    decided.failures = {failure_of("replaying", e.what())};
  }
  return decided;
}

void PlanMaker::report(const std::string& event_id, const std::vector<store::RuleFailure>& failures) {
  for (const store::RuleFailure& failure : failures) {
    metrics_.counter("chatrelay_rule_failures_total", "Rules that failed on an event", {{"rule", failure.rule}}).add();
    if (failure.rule.empty()) continue;  // logged where it happened
    auto& [next, unlogged] = failure_lines_[failure.rule];
    const SteadyTime now = clock_.steady();
    if (now < next) {
      ++unlogged;
      continue;
    }
    log::warn("rule failed", {{"rule", failure.rule},
                              {"where", failure.where},
                              {"event", event_id},
                              {"reason", failure.reason},
                              {"unlogged", unlogged}});
    next = now + failure_line_every;
    unlogged = 0;
  }
}

void PlanMaker::submitted(const std::vector<store::Plan>& batch) {
  for (const store::Plan& plan : batch)
    if (plan.conversation) uncommitted_.emplace(plan.conversation->source, plan.conversation->chat_id);
}

void PlanMaker::committed() {
  uncommitted_.clear();
  cache_.trim();
}

void PlanMaker::forget() {
  uncommitted_.clear();
  cache_.clear();
}

}  // namespace chatrelay::deliver
