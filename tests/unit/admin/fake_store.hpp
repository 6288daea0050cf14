// A store of plain vectors, as much of the contract as the admin room uses. What was asked of it is recorded.
#pragma once

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/ids.hpp"
#include "store/store.hpp"

namespace chatrelay::admin::test {

struct FakeData {
  std::mutex mutex;
  std::vector<store::EventRow> events;  // oldest first, with bodies
  std::vector<store::RuleFailure> failures;
  std::vector<store::StoredDelivery> deliveries;
  std::vector<store::StoredAttempt> attempts;
  std::vector<store::ChatRow> chats;
  std::vector<store::StoredLink> links;
  std::vector<store::StoredMessage> messages;
  std::vector<store::DestinationBacklog> backlog;
  store::Totals totals;
  store::EventFilter last_event_filter;
  store::DeliveryFilter last_delivery_filter;
  bool broken = false;              // every read fails
  bool throws = false;              // a list of events ends in an exception
  std::atomic<int> event_lists{0};  // how often events were listed
};

class FakeReader final : public store::Reader {
 public:
  explicit FakeReader(FakeData& data) : data_(data) {}

  Result<std::vector<store::StoredEvent>> unplanned(EventSeq, std::size_t) override {
    return std::vector<store::StoredEvent>{};
  }
  Result<std::optional<store::StoredConversation>> conversation(std::string_view, std::string_view) override {
    store::StoredConversation conversation;
    conversation.pk = 1;
    conversation.state = boost::json::object{{"known", true}};
    return std::optional(conversation);
  }
  Result<std::vector<store::StoredEvent>> events_of_chat(std::string_view, std::string_view, EventSeq) override {
    return std::vector<store::StoredEvent>{};
  }
  Result<std::vector<store::StoredMessage>> messages(std::string_view, std::string_view, std::string_view thread,
                                                     EventSeq) override {
    const std::lock_guard lock(data_.mutex);
    std::vector<store::StoredMessage> out;
    for (const auto& message : data_.messages)
      if (thread.empty() || message.thread_id == thread) out.push_back(message);
    return out;
  }
  Result<std::vector<store::StoredDelivery>> due(std::string_view, WallTime, std::size_t,
                                                 const std::vector<DeliverySeq>&) override {
    return std::vector<store::StoredDelivery>{};
  }
  Result<std::vector<store::StoredDelivery>> overdue(WallTime, std::size_t) override {
    return std::vector<store::StoredDelivery>{};
  }
  Result<std::vector<store::StoredLink>> links(const store::LinkSubject& subject, std::string_view) override {
    return links_where([&](const store::StoredLink& link) {
      return !subject.visitor_id.empty() && link.subject.visitor_id == subject.visitor_id;
    });
  }
  Result<std::vector<store::StoredLink>> links_of_chat(std::string_view, std::string_view chat_id) override {
    return links_where([&](const store::StoredLink& link) {
      return link.scope == store::LinkScope::visitor || link.subject.chat_id == chat_id;
    });
  }
  Result<std::vector<store::StoredLink>> find_links(const store::LinkFilter& filter) override {
    return links_where([&](const store::StoredLink& link) {
      return link.value == filter.value && (filter.key.empty() || link.key == filter.key) &&
             (filter.destination.empty() || link.destination == filter.destination);
    });
  }
  Result<bool> has_links(std::string_view) override { return false; }
  Result<std::optional<WallTime>> next_due(std::string_view, WallTime) override { return std::optional<WallTime>{}; }
  Result<std::optional<json::value>> remembered(std::string_view) override { return std::optional<json::value>(); }
  Result<std::vector<store::DestinationState>> destination_states() override {
    return std::vector<store::DestinationState>{};
  }
  Result<std::vector<store::DestinationBacklog>> backlog() override {
    const std::lock_guard lock(data_.mutex);
    if (data_.broken) return unavailable("disk I/O error");
    return data_.backlog;
  }
  Result<store::Totals> totals() override {
    const std::lock_guard lock(data_.mutex);
    if (data_.broken) return unavailable("disk I/O error");
    return data_.totals;
  }

  Result<std::optional<store::StoredEvent>> event(EventSeq seq) override {
    const std::lock_guard lock(data_.mutex);
    for (const auto& row : data_.events)
      if (row.event.seq == seq) return std::optional(row.event);
    return std::optional<store::StoredEvent>{};
  }
  Result<std::optional<store::StoredEvent>> find_event(std::string_view id) override {
    const std::lock_guard lock(data_.mutex);
    for (const auto& row : data_.events)
      if (row.event.id == id) return std::optional(row.event);
    return std::optional<store::StoredEvent>{};
  }
  Result<std::vector<store::PlannedPart>> parts(EventSeq seq) override {
    const std::lock_guard lock(data_.mutex);
    for (const auto& row : data_.events)
      if (row.event.seq == seq) return row.parts;
    return std::vector<store::PlannedPart>{};
  }
  Result<std::vector<store::EventRow>> list_events(const store::EventFilter& filter) override {
    const std::lock_guard lock(data_.mutex);
    if (data_.broken) return unavailable("disk I/O error");
    if (data_.throws) throw std::runtime_error("half an event");
    data_.last_event_filter = filter;
    ++data_.event_lists;
    std::vector<store::EventRow> out;
    for (auto row = data_.events.rbegin(); row != data_.events.rend() && out.size() < filter.page.limit; ++row) {
      if (filter.page.before != 0 && row->event.seq >= filter.page.before) continue;
      if (!filter.source.empty() && row->event.source != filter.source) continue;
      if (!filter.type.empty() && (row->parts.empty() || row->parts.front().type != filter.type)) continue;
      out.push_back(*row);
    }
    return out;
  }
  Result<std::vector<store::RuleFailure>> failures(EventSeq) override { return data_.failures; }
  Result<std::vector<store::ChatRow>> silent_chats(WallTime, store::ChatPk, std::size_t) override {
    return std::vector<store::ChatRow>{};
  }
  Result<std::vector<store::ChatRow>> list_chats(const store::ChatFilter& filter) override {
    const std::lock_guard lock(data_.mutex);
    std::vector<store::ChatRow> out;
    for (const auto& row : data_.chats)
      if ((filter.source.empty() || row.source == filter.source) &&
          (filter.chat_id.empty() || row.chat_id == filter.chat_id) && out.size() < filter.page.limit)
        out.push_back(row);
    return out;
  }
  Result<std::optional<store::StoredDelivery>> delivery(DeliverySeq seq) override {
    const std::lock_guard lock(data_.mutex);
    for (const auto& delivery : data_.deliveries)
      if (delivery.seq == seq) return std::optional(delivery);
    return std::optional<store::StoredDelivery>{};
  }
  Result<std::optional<store::StoredDelivery>> find_delivery(std::string_view id) override {
    const std::lock_guard lock(data_.mutex);
    for (const auto& delivery : data_.deliveries)
      if (delivery.id == id) return std::optional(delivery);
    return std::optional<store::StoredDelivery>{};
  }
  Result<std::vector<store::StoredDelivery>> list_deliveries(const store::DeliveryFilter& filter) override {
    const std::lock_guard lock(data_.mutex);
    data_.last_delivery_filter = filter;
    std::vector<store::StoredDelivery> out;
    for (auto row = data_.deliveries.rbegin(); row != data_.deliveries.rend() && out.size() < filter.page.limit;
         ++row) {
      if (filter.page.before != 0 && row->seq >= filter.page.before) continue;
      if (!filter.destination.empty() && row->destination != filter.destination) continue;
      if (!filter.states.empty() &&
          std::find(filter.states.begin(), filter.states.end(), row->state) == filter.states.end())
        continue;
      if (filter.event && row->event.seq != *filter.event) continue;
      out.push_back(*row);
    }
    return out;
  }
  Result<std::vector<store::StoredAttempt>> attempts(DeliverySeq) override { return data_.attempts; }
  Result<std::optional<WallTime>> last_received(std::string_view) override { return std::optional<WallTime>{}; }
  Result<std::optional<store::OwnVisitor>> own_visitor(std::string_view, std::string_view) override {
    return std::optional<store::OwnVisitor>{};
  }
  Result<std::optional<store::OwnVisitor>> own_visitor(store::OwnPk) override {
    return std::optional<store::OwnVisitor>{};
  }
  Result<std::optional<store::OwnRoom>> own_room(std::string_view, std::string_view) override {
    return std::optional<store::OwnRoom>{};
  }
  Result<std::optional<store::OwnRoom>> own_room(store::OwnPk) override { return std::optional<store::OwnRoom>{}; }
  Result<std::vector<store::OwnRoom>> own_rooms(store::OwnPk, std::size_t) override {
    return std::vector<store::OwnRoom>{};
  }
  Result<std::vector<store::OwnRoom>> own_rooms(std::string_view, store::OwnPk, std::size_t) override {
    return std::vector<store::OwnRoom>{};
  }
  Result<std::optional<store::OwnMessage>> own_message(std::string_view, std::string_view) override {
    return std::optional<store::OwnMessage>{};
  }
  Result<std::vector<store::OwnMessage>> own_messages(const store::OwnMessageQuery&) override {
    return std::vector<store::OwnMessage>{};
  }
  Result<std::size_t> count_own_messages(store::OwnPk, WallTime, WallTime, std::size_t,
                                         std::optional<store::OwnMessage>* oldest) override {
    if (oldest) oldest->reset();
    return std::size_t{0};
  }

 private:
  template <class Fits>
  Result<std::vector<store::StoredLink>> links_where(Fits fits) {
    const std::lock_guard lock(data_.mutex);
    if (data_.broken) return unavailable("disk I/O error");
    std::vector<store::StoredLink> out;
    std::copy_if(data_.links.begin(), data_.links.end(), std::back_inserter(out), fits);
    return out;
  }
  FakeData& data_;
};

class FakeStore final : public store::Store {
 public:
  FakeData data;
  store::CommitLoad commit_load;
  std::vector<DeliverySeq> retried, cancelled;
  std::string cancel_reason, backup_path;
  std::optional<Error> refuse;  // what writes answer

  void append(store::NewEvent, store::Done<store::Appended> done) override { done(store::Appended{}); }
  void command(Command, store::Done<bool> done) override {
    done(Error{ErrorKind::internal, "this store has no conversations of its own"});
  }
  void apply(std::vector<store::Plan>, store::Done<std::vector<DeliverySeq>> done) override {
    done(std::vector<DeliverySeq>{});
  }
  void record(store::AttemptResult, store::Done<bool> done) override { done(true); }
  void begin(std::vector<DeliverySeq>, store::Done<bool> done) override { done(true); }
  void render(DeliverySeq, std::string, store::Done<bool> done) override { done(true); }
  void overtake(DeliverySeq, store::OtherWay, WallTime, store::Done<bool> done) override { done(true); }
  void save_destination(store::DestinationState, store::Done<bool> done) override { done(true); }
  void remember(std::string, json::value, store::Done<bool> done) override { done(true); }
  void retry(std::vector<DeliverySeq> deliveries, WallTime, store::Done<std::size_t> done) override {
    if (refuse) return done(*refuse);
    retried.insert(retried.end(), deliveries.begin(), deliveries.end());
    done(deliveries.size());
  }
  void cancel(std::vector<DeliverySeq> deliveries, std::string reason, WallTime,
              store::Done<std::size_t> done) override {
    cancelled.insert(cancelled.end(), deliveries.begin(), deliveries.end());
    cancel_reason = std::move(reason);
    done(deliveries.size());
  }
  void release_held(std::string, WallTime, store::Done<std::size_t> done) override { done(std::size_t{0}); }
  void replay(EventSeq, std::vector<store::NewDelivery>, bool, WallTime,
              store::Done<std::vector<DeliverySeq>> done) override {
    done(std::vector<DeliverySeq>{});
  }
  void prune(RetentionLimits, std::size_t, store::Done<bool> done) override { done(false); }
  void backup(std::string path, store::Done<std::uint64_t> done) override {
    if (refuse) return done(*refuse);
    backup_path = std::move(path);
    done(std::uint64_t{4096});
  }
  store::CommitLoad load() const override { return commit_load; }
  std::unique_ptr<store::Reader> open_reader() override { return std::make_unique<FakeReader>(data); }
  void on_events(std::function<void()>) override {}
  void on_deliveries(std::function<void()>) override {}

  // Builders.
  void add_event(EventSeq seq, WallTime when, std::string type, std::string body = "{}") {
    const std::lock_guard lock(data.mutex);
    store::EventRow row;
    row.event.seq = seq;
    row.event.id = encode_ulid({when, 7, seq});
    row.event.source = "livechat";
    row.event.received_at = when;
    row.event.body = std::move(body);
    if (!type.empty()) {
      store::PlannedPart part;
      part.type = std::move(type);
      part.chat_id = "C1";
      part.thread_id = "T1";
      row.parts.push_back(part);
    }
    data.events.push_back(std::move(row));
  }
  void add_delivery(DeliverySeq seq, DeliveryState state, WallTime when, std::string destination = "crm") {
    const std::lock_guard lock(data.mutex);
    store::StoredDelivery delivery;
    delivery.seq = seq;
    delivery.id = encode_ulid({when, 9, seq});
    delivery.event = {1, 0};
    delivery.rule = "new chats";
    delivery.destination = std::move(destination);
    delivery.action = "send";
    delivery.state = state;
    delivery.created_at = delivery.due_at = when;
    delivery.payload = R"({"text":"hello"})";
    data.deliveries.push_back(std::move(delivery));
  }
  void add_link(store::LinkScope scope, std::string key, std::string value, DeliverySeq delivery) {
    const std::lock_guard lock(data.mutex);
    store::StoredLink link;
    link.destination = "crm";
    link.scope = scope;
    link.subject.source = "livechat";
    (scope == store::LinkScope::visitor ? link.subject.visitor_id : link.subject.chat_id) =
        scope == store::LinkScope::visitor ? "V1" : "C1";
    link.key = std::move(key);
    link.value = std::move(value);
    link.delivery = delivery;
    link.saved_at = from_ms(1'800'000'000'000);
    data.links.push_back(std::move(link));
  }
};

}  // namespace chatrelay::admin::test
