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
  s.payload = d.payload;
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
  if (!is_open(d.state)) return false;
  if (!is_open(r.state)) {
    close(record, r.state, r.state == DeliveryState::delivered ? std::string{} : r.reason, r.started_at + r.took);
    return true;
  }
  d.state = r.state;
  if (r.state != DeliveryState::held) d.due_at = r.due_at;
  d.reason = r.reason;
  record.ambiguous = r.outcome == OutcomeClass::ambiguous;
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
    existing->second.delivery.payload = d.payload;
    reopen(existing->second, now);
    changed.push_back(existing->first);
  }
  return changed;
}

bool Tables::is_head(const DeliveryRecord& record) const {
  auto lane = lanes.find(record.delivery.lane);
  return is_open(record.delivery.state) && lane != lanes.end() && lane->second.begin()->second == record.delivery.seq;
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
  return removed >= limit;
}

}  // namespace chatrelay::store::memory
