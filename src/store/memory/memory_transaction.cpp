#include "store/memory/memory_transaction.hpp"

#include <exception>
#include <functional>
#include <limits>
#include <stdexcept>

namespace chatrelay::store::memory {
namespace {

template <class T>
std::optional<T> copy_of(const T* found) {
  return found ? std::optional<T>(*found) : std::nullopt;
}

template <class Map, class Key>
auto* find_in(Map& map, const Key& key) {
  auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

void require(bool holds, const char* why) {
  if (!holds) throw std::logic_error(why);
}

class MemoryTransaction final : public Transaction {
 public:
  explicit MemoryTransaction(Tables& tables) : t_(tables), own_(tables.own) {}

  void roll_back() {
    for (; !undo_.empty(); undo_.pop_back()) undo_.back()();
  }
  // A call failed, though the body may have caught it: half a command must not stay.
  bool failed() const { return failed_; }
  const CommandOutcome& outcome() const { return outcome_; }

  std::optional<OwnVisitor> visitor(std::string_view source, std::string_view token) override {
    return copy_of(own_.visitor(source, token));
  }
  std::optional<OwnVisitor> visitor(OwnPk pk) override { return copy_of<OwnVisitor>(find_in(own_.visitors, pk)); }
  std::optional<OwnRoom> room(std::string_view source, std::string_view id) override {
    return copy_of(own_.room(source, id));
  }
  std::optional<OwnRoom> room(OwnPk pk) override { return copy_of<OwnRoom>(find_in(own_.rooms, pk)); }
  std::vector<OwnRoom> open_rooms(OwnPk visitor, std::size_t limit) override { return own_.open_rooms(visitor, limit); }
  std::size_t count_rooms(OwnPk visitor, std::size_t limit) override { return own_.rooms_of(visitor, limit).size(); }
  std::optional<OwnMessage> message(std::string_view source, std::string_view id) override {
    return copy_of(own_.message(source, id));
  }

  OwnPk put(const OwnVisitor& visitor) override {
    return guarded([&] {
      const auto* same = own_.visitor(visitor.source, visitor.token);
      require(!same || same->pk == visitor.pk, "a visitor with this token is there already");
      return put_in(own_.visitors, visitor, own_.next_visitor);
    });
  }
  OwnPk put(const OwnRoom& room) override {
    return guarded([&] {
      const auto* same = own_.room(room.source, room.id);
      require(!same || same->pk == room.pk, "a room with this id is there already");
      return put_in(own_.rooms, room, own_.next_room);
    });
  }

  void insert(const OwnMessage& m) override {
    guarded([&] {
      const auto* room = find_in(own_.rooms, m.room);
      require(room != nullptr, "there is no such room");
      require(!own_.message(room->source, m.id), "a message with this id is there already");
      own_.messages[m.room].source = room->source;
      require(own_.messages[m.room].by_time.emplace(m.sent_at, m).second, "a message of this time is there already");
      undo_.emplace_back([this, key = m.room, at = m.sent_at] { own_.messages[key].by_time.erase(at); });
    });
  }
  void replace(const OwnMessage& m) override {
    guarded([&] {
      auto& now = existing(m);
      undo_.emplace_back([this, before = now] { own_.messages[before.room].by_time[before.sent_at] = before; });
      now = m;
    });
  }
  void remove(const OwnMessage& m) override {
    guarded([&] {
      undo_.emplace_back([this, before = existing(m)] { own_.messages[before.room].by_time[before.sent_at] = before; });
      own_.messages[m.room].by_time.erase(m.sent_at);
    });
  }
  void remove_visitor(OwnPk visitor) override {
    guarded([&] {
      const auto* found = find_in(own_.visitors, visitor);
      require(found != nullptr, "there is no such visitor");
      undo_.emplace_back([this, before = *found] {
        own_.visitors[before.pk] = before;
        own_.gone_visitors.erase(before.pk);
      });
      own_.visitors.erase(visitor);
      own_.gone_visitors.insert(visitor);
    });
  }
  void remove_room(OwnPk room) override {
    guarded([&] {
      const auto* found = find_in(own_.rooms, room);
      require(found != nullptr, "there is no such room");
      undo_.emplace_back([this, before = *found] { own_.rooms[before.pk] = before; });
      own_.rooms.erase(room);
    });
  }

  EventSeq append(const NewEvent& event) override {
    return guarded([&] {
      NewEvent plain = event;
      plain.dedup.reset();
      const auto last = t_.last_received.find(event.source);
      auto last_before = last == t_.last_received.end() ? std::nullopt : std::optional(last->second);
      const auto seq = t_.append(plain, {}, std::numeric_limits<std::uint64_t>::max())->seq;
      undo_.emplace_back([this, seq, source = event.source, last_before] {
        t_.events.erase(seq);
        --t_.unplanned;
        if (last_before)
          t_.last_received[source] = *last_before;
        else
          t_.last_received.erase(source);
      });
      outcome_.events_added = true;
      return seq;
    });
  }
  void deliver(EventSeq event, const NewDelivery& delivery, WallTime now) override {
    guarded([&] {
      const auto seq = t_.insert(event, delivery, now);
      undo_.emplace_back([this, seq] { t_.forget(seq); });
      outcome_.lanes_changed = true;
    });
  }

 private:
  template <class Body>
  auto guarded(Body&& body) -> decltype(body()) {
    try {
      require(!failed_, "an earlier call of this command failed");
      return body();
    } catch (...) {
      failed_ = true;
      throw;
    }
  }

  template <class Record>
  OwnPk put_in(std::map<OwnPk, Record>& records, Record record, OwnPk& next) {
    if (record.pk == 0) {
      record.pk = next++;
      undo_.emplace_back([&records, pk = record.pk] { records.erase(pk); });
    } else {
      const auto* before = find_in(records, record.pk);
      require(before != nullptr, "what is to be replaced is not there");
      undo_.emplace_back([&records, before = *before] { records[before.pk] = before; });
    }
    const auto pk = record.pk;
    records[pk] = std::move(record);
    return pk;
  }

  OwnMessage& existing(const OwnMessage& m) {
    auto* of_room = find_in(own_.messages, m.room);
    auto* found = of_room ? find_in(of_room->by_time, m.sent_at) : nullptr;
    require(found != nullptr, "there is no such message");
    return *found;
  }

  Tables& t_;
  OwnTables& own_;
  std::vector<std::function<void()>> undo_;
  CommandOutcome outcome_;
  bool failed_ = false;
};

}  // namespace

Result<CommandOutcome> run_command(Tables& tables, const Store::Command& body) {
  MemoryTransaction transaction(tables);
  std::string why;
  try {
    body(transaction);
    if (!transaction.failed()) return transaction.outcome();
    why = "a call of the store's failed";
  } catch (const std::exception& exception) {
    why = exception.what();
  } catch (...) {
    why = "an exception of an unknown kind";
  }
  transaction.roll_back();
  return Error{ErrorKind::internal, "store: a command failed: " + why};
}

}  // namespace chatrelay::store::memory
