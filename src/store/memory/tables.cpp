#include "store/memory/tables.hpp"

#include <algorithm>

#include "common/crypto.hpp"
#include "store/ids.hpp"

namespace chatrelay::store::memory {

Result<Appended> Tables::append(const NewEvent& e, SteadyTime now, std::uint64_t queue_max) {
  if (open + unplanned >= queue_max)
    return unavailable("store: the queue is full: limits.queue is " + std::to_string(queue_max));
  if (e.dedup && e.dedup_window.count() > 0) {
    auto found = seen.find(*e.dedup);
    if (found != seen.end() && now - found->second.at < found->second.window) return Appended{0, true};
    seen[*e.dedup] = {now, e.dedup_window};
  }
  EventRecord record;
  auto& event = record.event;
  event.seq = next_event++;
  event.received_at = e.received_at;
  event.id = record_id(e.received_at, static_cast<std::uint32_t>(random_u64()), event.seq);
  event.source = e.source;
  event.body = e.body;
  event.content_type = e.content_type;
  auto& last = last_received[e.source];
  last = std::max(last, e.received_at);
  const auto seq = event.seq;
  events.emplace(seq, std::move(record));
  ++unplanned;
  return Appended{seq, false};
}

void Tables::update_conversation(const ConversationUpdate& u) {
  auto& chat = chats[{u.source, u.chat_id}];
  auto& row = chat.row;
  if (row.pk == 0) row.pk = next_chat++;
  row.source = u.source;
  row.chat_id = u.chat_id;
  row.thread_id = u.thread_id;
  row.status = u.status;
  row.visitor_id = u.visitor_id;
  row.visitor_name = u.visitor_name;
  row.visitor_email = u.visitor_email;
  row.started_at = u.started_at;
  row.active_at = u.active_at;
  chat.state = u.state;
  for (std::size_t i = 0; i < u.messages.size(); ++i) {
    auto message = u.messages[i];
    if (message.id.empty()) message.id = "event:" + std::to_string(message.event) + ":" + std::to_string(i);
    auto found =
        std::find_if(chat.messages.begin(), chat.messages.end(), [&](const auto& m) { return m.now.id == message.id; });
    if (found == chat.messages.end()) {
      chat.messages.push_back({std::move(message), {}});
      continue;
    }
    auto& now = found->now;
    if (now.message == message.message && now.deleted == message.deleted) continue;
    if (message.changed_by != 0)
      found->until.try_emplace(message.changed_by, now);
    else
      message.changed_by = now.changed_by;
    message.event = now.event;
    now = std::move(message);
  }
  row.messages = chat.messages.size();
}

void Tables::apply(const Plan& plan, std::vector<DeliverySeq>& created) {
  auto found = events.find(plan.event);
  if (found == events.end() || found->second.planned) return;
  auto& record = found->second;
  record.planned = true;
  --unplanned;
  for (const auto& part : plan.parts)
    if (part.part < parts_max) record.parts.push_back(part);
  record.failures = plan.failures;
  if (plan.conversation) update_conversation(*plan.conversation);
  for (const auto& delivery : plan.deliveries) created.push_back(insert(plan.event, delivery, plan.planned_at));
}

namespace {

void set_details(DeliveryRecord& record, const NewDelivery& d) {
  StoredDelivery& s = record.delivery;
  s.payload = d.payload;
  s.inputs = d.inputs;
  s.lock = d.lock;
  s.progress.clear();
  s.origin.visitor_id = d.visitor_id;
  s.deadline.reset();
  s.other_destination.clear();
  record.other_way.reset();
  if (!d.deadline || !d.other_way) return;
  s.deadline = d.deadline;
  s.other_destination = d.other_way->destination;
  record.other_way = d.other_way;
}

void end_details(DeliveryRecord& record) {
  record.delivery.progress.clear();
  record.delivery.deadline.reset();
  record.delivery.other_destination.clear();
  record.other_way.reset();
  record.delivery.begun = false;
}

}  // namespace

DeliverySeq Tables::insert(EventSeq event, const NewDelivery& d, WallTime now) {
  DeliveryRecord record;
  auto& s = record.delivery;
  s.seq = next_delivery++;
  s.id = record_id(now, static_cast<std::uint32_t>(random_u64()), s.seq);
  s.event = {event, d.part};
  s.rule = d.rule;
  s.destination = d.destination;
  s.action = d.action;
  s.lane = d.lane;
  s.created_at = s.due_at = s.first_pending_at = now;
  set_details(record, d);
  record.pos = next_pos++;
  lanes[d.lane][record.pos] = s.seq;
  ++open;
  const auto seq = s.seq;
  deliveries.emplace(seq, std::move(record));
  return seq;
}

void Tables::forget(DeliverySeq delivery) {
  close(deliveries.at(delivery), DeliveryState::cancelled, {}, {});
  deliveries.erase(delivery);
}

void Tables::close(DeliveryRecord& record, DeliveryState state, std::string reason, WallTime at) {
  auto& d = record.delivery;
  auto lane = lanes.find(d.lane);
  lane->second.erase(record.pos);
  if (lane->second.empty()) lanes.erase(lane);
  d.state = state;
  d.reason = std::move(reason);
  d.finished_at = at;
  end_details(record);
  --open;
}

void Tables::reopen(DeliveryRecord& record, WallTime now) {
  auto& d = record.delivery;
  record.pos = next_pos++;
  record.ambiguous = false;
  lanes[d.lane][record.pos] = d.seq;
  d.state = DeliveryState::pending;
  d.due_at = d.first_pending_at = now;
  d.attempts = 0;
  d.reason.clear();
  d.finished_at.reset();
  ++open;
}

bool Tables::record(const AttemptResult& r) {
  auto found = deliveries.find(r.delivery);
  if (found == deliveries.end()) return false;
  auto& record = found->second;
  auto& d = record.delivery;
  auto& list = attempts[r.delivery];
  const int number = list.empty() ? 1 : list.back().number + 1;
  list.push_back(
      {r.delivery, number, r.started_at, r.took, std::string(to_string(r.outcome)), r.status, r.reason, r.response});
  if (list.size() > 200) list.erase(list.begin());
  d.attempts += r.charged ? 1 : 0;
  save_links(r, d.destination);
  if (r.begun) d.begun = false;
  if (!is_open(d.state)) return false;
  if (r.other_way && r.state != DeliveryState::delivered) {
    const bool dead = r.state == DeliveryState::dead;
    if (go_other_way(r.delivery, dead ? DeliveryState::dead : DeliveryState::cancelled, *r.other_way,
                     r.started_at + r.took))
      return true;
  }
  if (!is_open(r.state)) {
    close(record, r.state, r.state == DeliveryState::delivered ? std::string{} : r.reason, r.started_at + r.took);
    if (r.state == DeliveryState::dead) d.progress = r.progress;
    return true;
  }
  d.state = r.state;
  if (r.state != DeliveryState::held) d.due_at = r.due_at;
  d.reason = r.reason;
  d.progress = r.progress;
  record.ambiguous = r.outcome == OutcomeClass::ambiguous;
  return true;
}

void Tables::save_links(const AttemptResult& r, const std::string& destination) {
  for (const NewLink& saved : r.saved) {
    StoredLink link;
    link.destination = destination;
    link.scope = saved.scope;
    link.subject.source = r.subject.source;
    if (saved.scope == LinkScope::visitor)
      link.subject.visitor_id = r.subject.visitor_id;
    else
      link.subject.chat_id = r.subject.chat_id;
    if (saved.scope == LinkScope::thread) link.subject.thread_id = r.subject.thread_id;
    if (link.subject.source.empty() || (link.subject.visitor_id + link.subject.chat_id).empty()) continue;
    link.key = saved.key;
    link.value = saved.value;
    link.delivery = r.delivery;
    link.saved_at = r.started_at + r.took;
    std::erase_if(links, [&](const StoredLink& known) {
      return known.destination == link.destination && known.scope == link.scope && known.key == link.key &&
             known.subject.source == link.subject.source && known.subject.visitor_id == link.subject.visitor_id &&
             known.subject.chat_id == link.subject.chat_id && known.subject.thread_id == link.subject.thread_id;
    });
    links.push_back(std::move(link));
  }
}

bool Tables::go_other_way(DeliverySeq seq, DeliveryState state, const OtherWay& how, WallTime now) {
  DeliveryRecord& record = deliveries.at(seq);
  if (!record.other_way) return false;
  NewDelivery next = *record.other_way;
  next.part = record.delivery.event.part;
  next.rule = record.delivery.rule;
  const EventSeq event = record.delivery.event.seq;
  close(record, state, how.reason, now);
  deliveries.at(insert(event, next, now)).delivery.note = how.note;
  return true;
}

bool Tables::overtake(DeliverySeq seq, const OtherWay& how, WallTime now) {
  const auto found = deliveries.find(seq);
  if (found == deliveries.end() || !is_open(found->second.delivery.state)) return false;
  return go_other_way(seq, DeliveryState::cancelled, how, now);
}

void Tables::begin(const std::vector<DeliverySeq>& seqs) {
  for (const DeliverySeq seq : seqs) {
    const auto found = deliveries.find(seq);
    if (found != deliveries.end() && is_open(found->second.delivery.state)) found->second.delivery.begun = true;
  }
}

bool Tables::render(DeliverySeq seq, const std::string& payload) {
  const auto found = deliveries.find(seq);
  if (found == deliveries.end() || found->second.delivery.inputs.empty()) return false;
  if (!is_open(found->second.delivery.state)) return false;
  found->second.delivery.inputs.clear();
  found->second.delivery.payload = payload;
  return true;
}

bool Tables::retry(DeliverySeq seq, WallTime now) {
  auto found = deliveries.find(seq);
  if (found == deliveries.end()) return false;
  auto& d = found->second.delivery;
  if (!is_open(d.state)) {
    reopen(found->second, now);
    return true;
  }
  if (d.state == DeliveryState::pending && d.due_at <= now) return false;
  d.state = DeliveryState::pending;
  d.due_at = d.first_pending_at = now;
  d.reason.clear();
  found->second.ambiguous = false;
  return true;
}

bool Tables::cancel(DeliverySeq seq, const std::string& reason, WallTime now) {
  auto found = deliveries.find(seq);
  if (found == deliveries.end() || !is_open(found->second.delivery.state)) return false;
  close(found->second, DeliveryState::cancelled, reason, now);
  return true;
}

std::size_t Tables::release_held(const std::string& destination, WallTime now) {
  std::size_t released = 0;
  for (auto& [seq, record] : deliveries)
    if (record.delivery.destination == destination && record.delivery.state == DeliveryState::held && !record.ambiguous)
      released += retry(seq, now);
  return released;
}

Result<std::vector<DeliverySeq>> Tables::replay(EventSeq event, const std::vector<NewDelivery>& list, bool same_id,
                                                WallTime now) {
  auto found = events.find(event);
  if (found == events.end()) return not_found("store: there is no event " + std::to_string(event) + " (any more)");
  if (!found->second.planned)
    return Error{ErrorKind::conflict, "store: event " + std::to_string(event) + " is not planned yet"};
  std::vector<DeliverySeq> changed;
  std::set<DeliverySeq> taken;
  for (const auto& d : list) {
    auto existing = std::find_if(deliveries.begin(), deliveries.end(), [&](const auto& entry) {
      const auto& s = entry.second.delivery;
      return same_id && s.event == EventRef{event, d.part} && s.rule == d.rule && s.destination == d.destination &&
             s.action == d.action && !taken.count(s.seq);
    });
    if (existing == deliveries.end()) {
      const auto seq = insert(event, d, now);
      taken.insert(seq);
      changed.push_back(seq);
      continue;
    }
    taken.insert(existing->first);
    if (is_open(existing->second.delivery.state)) continue;
    set_details(existing->second, d);
    reopen(existing->second, now);
    changed.push_back(existing->first);
  }
  return changed;
}

bool Tables::is_head(const DeliveryRecord& record) const {
  auto lane = lanes.find(record.delivery.lane);
  return is_open(record.delivery.state) && lane != lanes.end() && lane->second.begin()->second == record.delivery.seq;
}

// A link goes once it is old and its chat, or every chat of its visitor, is gone.
std::size_t Tables::prune_links(WallTime before, std::size_t limit) {
  std::size_t removed = 0;
  for (auto at = links.begin(); at != links.end() && removed < limit;) {
    const LinkSubject& of = at->subject;
    const bool used = std::any_of(chats.begin(), chats.end(), [&](const auto& chat) {
      return chat.first.first == of.source &&
             (of.visitor_id.empty() ? chat.first.second == of.chat_id : chat.second.row.visitor_id == of.visitor_id);
    });
    if (used || at->saved_at >= before) {
      ++at;
      continue;
    }
    at = links.erase(at);
    ++removed;
  }
  return removed;
}

bool Tables::prune(const Store::RetentionLimits& before, std::size_t limit) {
  std::size_t removed = 0;
  for (auto at = deliveries.begin(); at != deliveries.end() && removed < limit;) {
    const auto& d = at->second.delivery;
    if (is_open(d.state) || !d.finished_at || *d.finished_at >= before.deliveries_before) {
      ++at;
      continue;
    }
    attempts.erase(d.seq);
    at = deliveries.erase(at);
    ++removed;
  }
  std::set<EventSeq> needed;
  for (const auto& [seq, record] : deliveries)
    if (is_open(record.delivery.state)) needed.insert(record.delivery.event.seq);
  for (auto at = events.begin(); at != events.end() && removed < limit;) {
    if (!at->second.planned || at->second.event.received_at >= before.events_before || needed.count(at->first)) {
      ++at;
      continue;
    }
    at = events.erase(at);
    ++removed;
  }
  for (auto at = chats.begin(); at != chats.end() && removed < limit;) {
    if (at->second.row.active_at >= before.conversations_before) {
      ++at;
      continue;
    }
    at = chats.erase(at);
    ++removed;
  }
  if (removed < limit) removed += own.prune(before.conversations_before, limit - removed);
  if (removed < limit) removed += prune_links(before.conversations_before, limit - removed);
  return removed >= limit;
}

}  // namespace chatrelay::store::memory
