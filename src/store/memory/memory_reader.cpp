#include "store/memory/memory_reader.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "common/text.hpp"
#include "store/ids.hpp"

namespace chatrelay::store::memory {
namespace {

constexpr std::size_t page_max = 1000;

template <class T>
bool within(const T& time, const std::optional<WallTime>& since, const std::optional<WallTime>& until) {
  return (!since || time >= *since) && (!until || time <= *until);
}

class MemoryReader final : public Reader {
 public:
  explicit MemoryReader(std::shared_ptr<Shared> shared) : shared_(std::move(shared)), t_(shared_->tables) {}

  Result<std::vector<StoredEvent>> unplanned(EventSeq after, std::size_t limit) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<StoredEvent> found;
    for (auto at = t_.events.upper_bound(after); at != t_.events.end() && found.size() < limit; ++at)
      if (!at->second.planned) found.push_back(at->second.event);
    return found;
  }

  Result<std::optional<StoredConversation>> conversation(std::string_view source, std::string_view chat_id) override {
    std::lock_guard lock(shared_->mutex);
    std::optional<StoredConversation> found;
    if (auto* chat = find_chat(source, chat_id)) found = StoredConversation{chat->row.pk, chat->state};
    return found;
  }

  Result<std::vector<StoredEvent>> events_of_chat(std::string_view source, std::string_view chat_id,
                                                  EventSeq upto) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<StoredEvent> found;
    for (const auto& [seq, record] : t_.events)
      if (seq <= upto && record.event.source == source && names_chat(record, chat_id)) found.push_back(record.event);
    return found;
  }

  Result<std::vector<StoredMessage>> messages(std::string_view source, std::string_view chat_id,
                                              std::string_view thread_id, EventSeq upto) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<StoredMessage> found;
    const auto* chat = find_chat(source, chat_id);
    if (!chat) return found;
    for (const auto& record : chat->messages) {
      if ((upto != 0 && record.now.event > upto) || (!thread_id.empty() && record.now.thread_id != thread_id)) continue;
      auto message = record.now;
      if (upto != 0 && message.changed_by > upto)
        if (auto old = record.until.upper_bound(upto); old != record.until.end()) message = old->second;
      found.push_back(std::move(message));
    }
    return found;
  }

  Result<std::vector<StoredDelivery>> due(std::string_view destination, WallTime now, std::size_t limit,
                                          const std::vector<DeliverySeq>& skip) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<const DeliveryRecord*> heads;
    for (const auto& [lane, open] : t_.lanes) {
      const auto& record = t_.deliveries.at(open.begin()->second);
      const auto& d = record.delivery;
      if (d.destination == destination && d.state != DeliveryState::held && d.due_at <= now &&
          !std::binary_search(skip.begin(), skip.end(), d.seq))
        heads.push_back(&record);
    }
    std::sort(heads.begin(), heads.end(), [](const auto* a, const auto* b) {
      return std::pair(a->delivery.due_at, a->pos) < std::pair(b->delivery.due_at, b->pos);
    });
    std::vector<StoredDelivery> found;
    for (const auto* head : heads) {
      if (found.size() == limit) break;
      found.push_back(head->delivery);
      found.back().origin = origin_of(head->delivery.event);
      if (!head->delivery.origin.visitor_id.empty()) found.back().origin.visitor_id = head->delivery.origin.visitor_id;
    }
    return found;
  }

  DeliveryOrigin origin_of(const EventRef& ref) const {
    DeliveryOrigin origin;
    const auto found = t_.events.find(ref.seq);
    if (found == t_.events.end()) return origin;
    origin.event_id = event_id(found->second.event, ref.part);
    origin.source = found->second.event.source;
    for (const PlannedPart& part : found->second.parts) {
      if (part.part != ref.part) continue;
      origin.type = part.type;
      origin.chat_id = part.chat_id;
      origin.thread_id = part.thread_id;
      if (const ChatRecord* chat = find_chat(origin.source, part.chat_id)) origin.visitor_id = chat->row.visitor_id;
    }
    return origin;
  }

  Result<std::vector<StoredDelivery>> overdue(WallTime now, std::size_t limit) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<StoredDelivery> found;
    for (const auto& [seq, record] : t_.deliveries) {
      if (!record.delivery.deadline || *record.delivery.deadline > now) continue;
      found.push_back(record.delivery);
      found.back().payload.clear();
      found.back().inputs.clear();
    }
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) { return *a.deadline < *b.deadline; });
    if (found.size() > limit) found.resize(limit);
    return found;
  }

  Result<std::vector<StoredLink>> links(const LinkSubject& of, std::string_view destination) override {
    std::lock_guard lock(shared_->mutex);
    return links_where([&](const StoredLink& link) {
      if (!destination.empty() && link.destination != destination) return false;
      if (link.subject.source != of.source) return false;
      if (link.scope == LinkScope::visitor) return link.subject.visitor_id == of.visitor_id;
      if (link.subject.chat_id != of.chat_id) return false;
      return link.scope == LinkScope::chat || link.subject.thread_id == of.thread_id;
    });
  }

  Result<std::vector<StoredLink>> links_of_chat(std::string_view source, std::string_view chat_id) override {
    std::lock_guard lock(shared_->mutex);
    const ChatRecord* chat = find_chat(source, chat_id);
    return links_where([&](const StoredLink& link) {
      if (link.subject.source != source) return false;
      if (link.scope == LinkScope::visitor) return chat && link.subject.visitor_id == chat->row.visitor_id;
      return link.subject.chat_id == chat_id;
    });
  }

  Result<std::vector<StoredLink>> find_links(const LinkFilter& filter) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<StoredLink> found;
    for (auto link = t_.links.rbegin(); link != t_.links.rend() && found.size() < std::min(filter.limit, page_max);
         ++link)
      if (link->value == filter.value && (filter.key.empty() || link->key == filter.key) &&
          (filter.destination.empty() || link->destination == filter.destination))
        found.push_back(*link);
    return found;
  }

  Result<bool> has_links(std::string_view destination) override {
    std::lock_guard lock(shared_->mutex);
    return std::any_of(t_.links.begin(), t_.links.end(),
                       [&](const StoredLink& link) { return link.destination == destination; });
  }

  Result<std::optional<WallTime>> next_due(std::string_view destination, WallTime now) override {
    std::lock_guard lock(shared_->mutex);
    std::optional<WallTime> next;
    for (const auto& [lane, open] : t_.lanes) {
      const auto& d = t_.deliveries.at(open.begin()->second).delivery;
      if (d.destination == destination && d.state != DeliveryState::held && d.due_at > now)
        next = std::min(next.value_or(d.due_at), d.due_at);
    }
    return next;
  }

  Result<std::vector<DestinationState>> destination_states() override {
    std::lock_guard lock(shared_->mutex);
    std::vector<DestinationState> found;
    for (const auto& [name, state] : t_.destination_states) found.push_back(state);
    return found;
  }

  Result<std::optional<json::value>> remembered(std::string_view name) override {
    std::lock_guard lock(shared_->mutex);
    const auto found = t_.remembered.find(name);
    return found == t_.remembered.end() ? std::nullopt : std::optional(found->second);
  }

  Result<std::vector<DestinationBacklog>> backlog() override {
    std::lock_guard lock(shared_->mutex);
    std::map<std::string, DestinationBacklog> by_name;
    for (const auto& [seq, record] : t_.deliveries) {
      const auto& d = record.delivery;
      auto& b = by_name[d.destination];
      b.destination = d.destination;
      b.pending += d.state == DeliveryState::pending;
      b.deferred += d.state == DeliveryState::deferred;
      b.held += d.state == DeliveryState::held;
      b.dead += d.state == DeliveryState::dead;
      if (is_open(d.state)) b.oldest = std::min(b.oldest.value_or(d.created_at), d.created_at);
    }
    std::vector<DestinationBacklog> found;
    for (auto& [name, b] : by_name) found.push_back(std::move(b));
    return found;
  }

  Result<Totals> totals() override {
    std::lock_guard lock(shared_->mutex);
    Totals totals;
    totals.events = t_.events.size();
    totals.unplanned = t_.unplanned;
    totals.open_deliveries = t_.open;
    return totals;
  }

  Result<std::optional<StoredEvent>> event(EventSeq seq) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.events.find(seq);
    return found == t_.events.end() ? std::nullopt : std::optional(found->second.event);
  }

  Result<std::optional<StoredEvent>> find_event(std::string_view id) override {
    std::lock_guard lock(shared_->mutex);
    std::optional<StoredEvent> none;
    const auto parts = decode_ulid(id);
    if (!parts) return none;
    auto found = t_.events.find(parts->sequence);
    if (found == t_.events.end()) return none;
    const auto own = decode_ulid(found->second.event.id);
    if (!own || !is_id_of(*parts, found->second.event.received_at, own->salt, parts_max)) return none;
    return std::optional(found->second.event);
  }

  Result<std::vector<PlannedPart>> parts(EventSeq seq) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.events.find(seq);
    return found == t_.events.end() ? std::vector<PlannedPart>{} : found->second.parts;
  }

  Result<std::vector<RuleFailure>> failures(EventSeq seq) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.events.find(seq);
    return found == t_.events.end() ? std::vector<RuleFailure>{} : found->second.failures;
  }

  Result<std::vector<EventRow>> list_events(const EventFilter& f) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<EventRow> found;
    const auto limit = std::min(f.page.limit, page_max);
    for (auto at = t_.events.rbegin(); at != t_.events.rend() && found.size() < limit; ++at) {
      const auto& record = at->second;
      const bool has_type = f.type.empty() || std::any_of(record.parts.begin(), record.parts.end(), [&](const auto& p) {
                              return p.type == f.type && !p.suppressed;
                            });
      if ((f.page.before != 0 && at->first >= f.page.before) ||
          (!f.source.empty() && record.event.source != f.source) || !has_type ||
          (!f.chat_id.empty() && !names_chat(record, f.chat_id)) ||
          !within(record.event.received_at, f.since, f.until) || (f.failures_only && record.failures.empty()))
        continue;
      EventRow row;
      row.event = record.event;
      row.event.body.clear();
      row.parts = record.parts;
      row.failures = record.failures.size();
      row.deliveries =
          static_cast<std::size_t>(std::count_if(t_.deliveries.begin(), t_.deliveries.end(), [&](const auto& d) {
            return d.second.delivery.event.seq == at->first;
          }));
      found.push_back(std::move(row));
    }
    return found;
  }

  Result<std::vector<ChatRow>> silent_chats(WallTime active_before, ChatPk after, std::size_t limit) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<ChatRow> found;
    for (const auto& [name, chat] : t_.chats) {
      const auto& row = chat.row;
      const bool open = row.status == "queued" || row.status == "active" || row.status == "bot";
      if (open && row.pk > after && row.active_at < active_before) found.push_back(row);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.pk < b.pk; });
    if (found.size() > std::min(limit, page_max)) found.resize(std::min(limit, page_max));
    return found;
  }

  Result<std::vector<ChatRow>> list_chats(const ChatFilter& f) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<ChatRow> found;
    const auto needle = to_lower_ascii(f.visitor);
    auto holds = [&](std::string_view text) { return to_lower_ascii(text).find(needle) != std::string::npos; };
    for (const auto& [name, chat] : t_.chats) {
      const auto& row = chat.row;
      if ((f.page.before == 0 || row.pk < f.page.before) && (f.source.empty() || row.source == f.source) &&
          (f.state.empty() || row.status == f.state) && (f.chat_id.empty() || row.chat_id == f.chat_id) &&
          within(row.active_at, f.since, f.until) &&
          (needle.empty() || row.visitor_id == f.visitor || holds(row.visitor_name) || holds(row.visitor_email)))
        found.push_back(row);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.pk > b.pk; });
    if (found.size() > std::min(f.page.limit, page_max)) found.resize(std::min(f.page.limit, page_max));
    return found;
  }

  Result<std::optional<StoredDelivery>> delivery(DeliverySeq seq) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.deliveries.find(seq);
    return found == t_.deliveries.end() ? std::nullopt : std::optional(found->second.delivery);
  }

  Result<std::optional<StoredDelivery>> find_delivery(std::string_view id) override {
    const auto parts = decode_ulid(id);
    std::optional<StoredDelivery> none;
    if (!parts) return none;
    auto found = delivery(parts->sequence);
    if (!found || !*found) return none;
    const auto own = decode_ulid((*found)->id);
    if (!own || !is_id_of(*parts, (*found)->created_at, own->salt, 1)) return none;
    return found;
  }

  Result<std::vector<StoredDelivery>> list_deliveries(const DeliveryFilter& f) override {
    std::lock_guard lock(shared_->mutex);
    std::vector<StoredDelivery> found;
    const auto limit = std::min(f.page.limit, page_max);
    for (auto at = t_.deliveries.rbegin(); at != t_.deliveries.rend() && found.size() < limit; ++at) {
      const auto& d = at->second.delivery;
      if ((f.page.before != 0 && d.seq >= f.page.before) ||
          (!f.destination.empty() && d.destination != f.destination) || (!f.rule.empty() && d.rule != f.rule) ||
          (!f.states.empty() && std::find(f.states.begin(), f.states.end(), d.state) == f.states.end()) ||
          (f.event && d.event.seq != *f.event) || !within(d.created_at, f.since, f.until))
        continue;
      if (f.chat) {
        auto event = t_.events.find(d.event.seq);
        if (event == t_.events.end() || event->second.event.source != f.chat->first ||
            !names_chat(event->second, f.chat->second))
          continue;
      }
      found.push_back(d);
      found.back().payload.clear();
      found.back().inputs.clear();
    }
    return found;
  }

  Result<std::vector<StoredAttempt>> attempts(DeliverySeq seq) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.attempts.find(seq);
    return found == t_.attempts.end() ? std::vector<StoredAttempt>{} : found->second;
  }

  Result<std::optional<WallTime>> last_received(std::string_view source) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.last_received.find(std::string(source));
    return found == t_.last_received.end() ? std::nullopt : std::optional(found->second);
  }

  Result<std::optional<OwnVisitor>> own_visitor(std::string_view source, std::string_view token) override {
    std::lock_guard lock(shared_->mutex);
    return copy_of(t_.own.visitor(source, token));
  }
  Result<std::optional<OwnVisitor>> own_visitor(OwnPk pk) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.own.visitors.find(pk);
    return found == t_.own.visitors.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::optional<OwnRoom>> own_room(std::string_view source, std::string_view id) override {
    std::lock_guard lock(shared_->mutex);
    return copy_of(t_.own.room(source, id));
  }
  Result<std::optional<OwnRoom>> own_room(OwnPk pk) override {
    std::lock_guard lock(shared_->mutex);
    auto found = t_.own.rooms.find(pk);
    return found == t_.own.rooms.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::vector<OwnRoom>> own_rooms(OwnPk visitor, std::size_t limit) override {
    std::lock_guard lock(shared_->mutex);
    return t_.own.rooms_of(visitor, limit);
  }
  Result<std::vector<OwnRoom>> own_rooms(std::string_view source, OwnPk before, std::size_t limit) override {
    std::lock_guard lock(shared_->mutex);
    return t_.own.rooms_of(source, before, std::min(limit, page_max));
  }
  Result<std::optional<OwnMessage>> own_message(std::string_view source, std::string_view id) override {
    std::lock_guard lock(shared_->mutex);
    return copy_of(t_.own.message(source, id));
  }
  Result<std::vector<OwnMessage>> own_messages(const OwnMessageQuery& query) override {
    std::lock_guard lock(shared_->mutex);
    return t_.own.messages_of(query);
  }
  Result<std::size_t> count_own_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit,
                                         std::optional<OwnMessage>* oldest) override {
    std::lock_guard lock(shared_->mutex);
    return t_.own.count_messages(room, after, before, limit, oldest);
  }

 private:
  // By destination, scope, thread and key, as a store that keeps an index gives them.
  template <class Fits>
  std::vector<StoredLink> links_where(Fits fits) const {
    std::vector<StoredLink> found;
    std::copy_if(t_.links.begin(), t_.links.end(), std::back_inserter(found), fits);
    std::ranges::sort(found, {}, [](const StoredLink& link) {
      return std::tuple(link.destination, static_cast<int>(link.scope), link.subject.thread_id, link.key);
    });
    return found;
  }
  template <class T>
  static std::optional<T> copy_of(const T* found) {
    return found ? std::optional<T>(*found) : std::nullopt;
  }
  const ChatRecord* find_chat(std::string_view source, std::string_view chat_id) const {
    auto found = t_.chats.find({std::string(source), std::string(chat_id)});
    return found == t_.chats.end() ? nullptr : &found->second;
  }
  static bool names_chat(const EventRecord& record, std::string_view chat_id) {
    return std::any_of(record.parts.begin(), record.parts.end(), [&](const auto& p) { return p.chat_id == chat_id; });
  }
  std::shared_ptr<Shared> shared_;
  const Tables& t_;
};

}  // namespace

std::unique_ptr<Reader> make_reader(std::shared_ptr<Shared> shared) {
  return std::make_unique<MemoryReader>(std::move(shared));
}

}  // namespace chatrelay::store::memory
