// A store's transaction in maps, for commands over rooms. It holds commands to the contract of store::Transaction: what
// a real store would not take is a failed expectation.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "conversations/rooms.hpp"
#include "event/served_event.hpp"

namespace chatrelay::conversations {

class FakeTransaction final : public store::Transaction {
 public:
  std::map<store::OwnPk, store::OwnVisitor> visitors;
  std::map<store::OwnPk, store::OwnRoom> rooms;
  std::map<std::pair<store::OwnPk, long long>, store::OwnMessage> messages;  // by room and time
  std::vector<store::NewEvent> events;
  std::vector<std::pair<EventSeq, store::NewDelivery>> deliveries;

  std::optional<store::OwnVisitor> visitor(std::string_view source, std::string_view token) override {
    for (const auto& [pk, each] : visitors)
      if (each.source == source && each.token == token) return each;
    return std::nullopt;
  }
  std::optional<store::OwnVisitor> visitor(store::OwnPk pk) override { return at(visitors, pk); }
  std::optional<store::OwnRoom> room(std::string_view source, std::string_view id) override {
    for (const auto& [pk, each] : rooms)
      if (each.source == source && each.id == id) return each;
    return std::nullopt;
  }
  std::optional<store::OwnRoom> room(store::OwnPk pk) override { return at(rooms, pk); }
  std::vector<store::OwnRoom> open_rooms(store::OwnPk visitor, std::size_t limit) override {
    std::vector<store::OwnRoom> out;
    for (const auto& [pk, each] : rooms)
      if (each.visitor == visitor && each.open && out.size() < limit) out.push_back(each);
    return out;
  }
  std::size_t count_rooms(store::OwnPk visitor, std::size_t limit) override {
    const auto count =
        std::count_if(rooms.begin(), rooms.end(), [&](const auto& each) { return each.second.visitor == visitor; });
    return std::min(limit, static_cast<std::size_t>(count));
  }
  std::optional<store::OwnMessage> message(std::string_view source, std::string_view id) override {
    for (const auto& [key, each] : messages)
      if (each.id == id && (!rooms.contains(each.room) || rooms.at(each.room).source == source)) return each;
    return std::nullopt;
  }

  store::OwnPk put(const store::OwnVisitor& visitor_) override {
    EXPECT_FALSE(visitor_.id.empty());
    store::OwnVisitor kept_one = visitor_;
    if (kept_one.pk == 0) {
      EXPECT_FALSE(visitor(visitor_.source, visitor_.token)) << "the token is taken";
      kept_one.pk = visitors.empty() ? 1 : visitors.rbegin()->first + 1;
    } else {
      EXPECT_TRUE(visitors.contains(kept_one.pk));
    }
    visitors[kept_one.pk] = kept_one;
    return kept_one.pk;
  }
  store::OwnPk put(const store::OwnRoom& room_) override {
    EXPECT_TRUE(visitors.contains(room_.visitor));
    store::OwnRoom kept_one = room_;
    if (kept_one.pk == 0) {
      EXPECT_FALSE(room(room_.source, room_.id)) << "the room's id is taken";
      kept_one.pk = rooms.empty() ? 1 : rooms.rbegin()->first + 1;
    } else {
      EXPECT_TRUE(rooms.contains(kept_one.pk));
    }
    rooms[kept_one.pk] = kept_one;
    return kept_one.pk;
  }
  void insert(const store::OwnMessage& message_) override {
    ASSERT_TRUE(rooms.contains(message_.room));
    EXPECT_FALSE(message(rooms.at(message_.room).source, message_.id)) << "the message's id is taken";
    EXPECT_LE(message_.sent_at, rooms.at(message_.room).last_at);
    EXPECT_TRUE(messages.emplace(key(message_), message_).second) << "the time is taken";
  }
  void replace(const store::OwnMessage& message_) override {
    ASSERT_TRUE(messages.contains(key(message_)));
    EXPECT_EQ(messages.at(key(message_)).id, message_.id);
    messages[key(message_)] = message_;
  }
  void remove(const store::OwnMessage& message_) override { EXPECT_EQ(messages.erase(key(message_)), 1u); }
  void remove_visitor(store::OwnPk visitor_) override { EXPECT_EQ(visitors.erase(visitor_), 1u); }
  void remove_room(store::OwnPk room_) override { EXPECT_EQ(rooms.erase(room_), 1u); }

  EventSeq append(const store::NewEvent& event) override {
    EXPECT_EQ(event.content_type, served_content_type);
    EXPECT_FALSE(event.dedup);
    events.push_back(event);
    return events.size();
  }
  void deliver(EventSeq event, const store::NewDelivery& delivery, WallTime) override {
    EXPECT_LE(event, events.size());
    deliveries.emplace_back(event, delivery);
  }

  // Everything, to see that nothing changed, or that the same came twice.
  std::string dump() const {
    std::string out;
    for (const auto& [pk, v] : visitors)
      out += std::to_string(pk) + v.source + v.id + v.token + json::serialize(v.record) +
             std::to_string(to_ms(v.updated_at));
    for (const auto& [pk, r] : rooms)
      out += std::to_string(pk) + r.source + r.id + (r.open ? "open" : "closed") + json::serialize(r.record) +
             std::to_string(to_ms(r.last_at)) + "/" + std::to_string(r.messages) + "/" +
             std::to_string(r.closed_at ? to_ms(*r.closed_at) : 0);
    for (const auto& [k, m] : messages)
      out += std::to_string(k.first) + "@" + std::to_string(k.second) + m.id + json::serialize(m.record) +
             (m.from_visitor ? "v" : "o") + (m.id_is_ours ? "o" : "c");
    for (const store::NewEvent& e : events) out += e.source + e.body;
    for (const auto& [seq, d] : deliveries) out += std::to_string(seq) + d.destination + d.payload;
    return out;
  }
  Event event(std::size_t n) const { return served_event_from_body(events.at(n).body).value_or(Event{}); }
  Event last() const { return event(events.size() - 1); }
  std::vector<std::string> types() const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < events.size(); ++i) out.push_back(event(i).type);
    return out;
  }
  std::vector<std::string> texts(store::OwnPk room_) const {  // oldest first
    std::vector<std::string> out;
    for (const auto& [k, m] : messages)
      if (m.room == room_) out.push_back(view(m, "").text);
    return out;
  }
  std::size_t count(store::OwnPk room_) const { return texts(room_).size(); }

 private:
  static std::pair<store::OwnPk, long long> key(const store::OwnMessage& m) { return {m.room, to_ms(m.sent_at)}; }
  template <class T>
  static std::optional<T> at(const std::map<store::OwnPk, T>& all, store::OwnPk pk) {
    const auto found = all.find(pk);
    return found == all.end() ? std::nullopt : std::optional<T>(found->second);
  }
};

// Somebody calls commands, a second after another. Ids are made in order.
struct Caller {
  FakeTransaction tx;
  WallTime now = from_ms(1'795'169'000'000);
  int made = 0;

  Call call() {
    now += Millis{1000};
    return still();
  }
  Call still() { return Call{"site", now, json::object{{"asked", "for this"}}}; }
  std::string id(const std::string& kind) { return kind + "-" + std::to_string(++made); }

  Answer<VisitorView> visitor(const std::string& token, std::optional<std::string> name = std::nullopt) {
    SaveVisitor command{call(), token, id("visitor"), {}, {}, {}, {}, {}, {}, {}, {}};
    command.name = std::move(name);
    return save_visitor(tx, command);
  }
  Answer<OpenedRoom> open(const std::string& token, const std::string& room = "", std::size_t rooms_max = 100) {
    OpenRoom command{call(), token, room, id("room"), id("started"), "api", {}, {}, rooms_max};
    return open_room(tx, command);
  }
  Answer<PostedMessage> post(const std::string& token, const std::string& room, const std::string& text,
                             const std::string& chosen = "") {
    return post_message(tx, PostMessage{call(), token, room, chosen, id("message"), text});
  }
  Answer<PostedMessage> edit(const std::string& token, const std::string& room, const std::string& message,
                             const std::string& text) {
    return edit_message(tx, EditMessage{call(), token, room, message, text});
  }
  Answer<PostedMessage> remove(const std::string& token, const std::string& room, const std::string& message) {
    return delete_message(tx, DeleteMessage{call(), token, room, message});
  }
  Answer<PostedMessage> remove(const std::string& message, Millis window = Millis{15 * 60'000}) {
    return delete_message(tx, DeleteByCapability{call(), message, window});
  }
  Answer<OpenedRoom> close(const std::string& token, const std::string& room) {
    return close_room(tx, CloseRoom{call(), token, room, "Closed by visitor", id("closed")});
  }
  Answer<OpenedRoom> survey(const std::string& token, const std::string& room,
                            std::vector<std::pair<std::string, std::string>> answers) {
    return take_survey(tx, TakeSurvey{call(), token, room, std::move(answers)});
  }
  Answer<PostedMessage> agent_says(const std::string& room, const std::string& message, const std::string& text) {
    return say(tx, Say{call(), room, message, text, Author{"A1", "Bob", "agent"}, "bob"});
  }
  // A visitor with an open room; answers the room's id.
  std::string room_of(const std::string& token, std::optional<std::string> name = std::nullopt) {
    EXPECT_TRUE(visitor(token, std::move(name)));
    return open(token).value->room.id;
  }
};

// The command refuses with this, and nothing is changed and nothing told.
template <class F>
void expect_refused(Caller& caller, Refusal refusal, F command) {
  const std::string before = caller.tx.dump();
  const auto answer = command();
  EXPECT_FALSE(answer);
  EXPECT_EQ(static_cast<int>(answer.refusal), static_cast<int>(refusal));
  EXPECT_EQ(caller.tx.dump(), before);
}
}  // namespace chatrelay::conversations
