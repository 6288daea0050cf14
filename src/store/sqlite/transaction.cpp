// Commands: their Transaction over the writer's connection.
#include <algorithm>
#include <exception>

#include "store/sqlite/core.hpp"
#include "store/sqlite/own.hpp"

namespace chatrelay::store::sqlite {
namespace {

// What is asked to change is not there: the command is wrong, not the disk.
void must_change(int changed, const char* what) {
  if (changed == 0) throw SqlError{SQLITE_MISMATCH, std::string("there is no such ") + what + " to change"};
}

class SqliteTransaction final : public Transaction {
 public:
  explicit SqliteTransaction(Core& core) : core_(core), db_(core.db), tables_{core.db, core.names} {}

  // Throws what a call threw, though the body may have caught it: half a command must not be committed.
  void check() const {
    if (failure_) throw *failure_;
  }

  std::optional<OwnVisitor> visitor(std::string_view source, std::string_view token) override {
    return guarded([&] { return tables_.visitor(source, token); });
  }
  std::optional<OwnVisitor> visitor(OwnPk pk) override {
    return guarded([&] { return tables_.visitor(pk); });
  }
  std::optional<OwnRoom> room(std::string_view source, std::string_view id) override {
    return guarded([&] { return tables_.room(source, id); });
  }
  std::optional<OwnRoom> room(OwnPk pk) override {
    return guarded([&] { return tables_.room(pk); });
  }
  std::vector<OwnRoom> open_rooms(OwnPk visitor, std::size_t limit) override {
    return guarded([&] { return tables_.open_rooms(visitor, limit); });
  }
  std::size_t count_rooms(OwnPk visitor, std::size_t limit) override {
    return guarded([&] { return tables_.count_rooms(visitor, limit); });
  }
  std::optional<OwnMessage> message(std::string_view source, std::string_view id) override {
    return guarded([&] { return tables_.message(source, id); });
  }

  OwnPk put(const OwnVisitor& visitor) override {
    return guarded([&] { return visitor.pk == 0 ? insert_visitor(visitor) : replace_visitor(visitor); });
  }
  OwnPk put(const OwnRoom& room) override {
    return guarded([&] { return room.pk == 0 ? insert_room(room) : replace_room(room); });
  }

  void insert(const OwnMessage& m) override {
    const auto record = json::serialize(m.record);
    guarded([&] {
      const int inserted = db_.run(
          "INSERT INTO own_messages(room,sent_at,source,id,from_visitor,id_is_ours,record) SELECT "
          "pk,?2,source,?3,?4,?5,?6 FROM own_rooms WHERE pk=?1",
          m.room, m.sent_at, m.id, m.from_visitor, m.id_is_ours, record);
      must_change(inserted, "room");
    });
  }
  void replace(const OwnMessage& m) override {
    const auto record = json::serialize(m.record);
    guarded([&] {
      const int changed =
          db_.run("UPDATE own_messages SET from_visitor=?3,id_is_ours=?4,record=?5 WHERE room=?1 AND sent_at=?2",
                  m.room, m.sent_at, m.from_visitor, m.id_is_ours, record);
      must_change(changed, "message");
      db_.run("UPDATE own_messages SET id=?3 WHERE room=?1 AND sent_at=?2 AND id<>?3", m.room, m.sent_at, m.id);
    });
  }
  void remove(const OwnMessage& m) override {
    guarded([&] {
      must_change(db_.run("DELETE FROM own_messages WHERE room=?1 AND sent_at=?2", m.room, m.sent_at), "message");
    });
  }
  void remove_visitor(OwnPk visitor) override {
    guarded([&] {
      must_change(db_.run("DELETE FROM own_visitors WHERE pk=?1", visitor), "visitor");
      db_.run("INSERT INTO own_gone(kind,pk) SELECT 0,?1 WHERE EXISTS(SELECT 1 FROM own_rooms WHERE visitor=?1)",
              visitor);
    });
  }
  void remove_room(OwnPk room) override {
    guarded([&] {
      must_change(db_.run("DELETE FROM own_rooms WHERE pk=?1", room), "room");
      db_.run("DELETE FROM own_room_counts WHERE room=?1", room);
      db_.run(
          "INSERT OR IGNORE INTO own_gone(kind,pk) SELECT 1,?1 WHERE EXISTS(SELECT 1 FROM own_messages WHERE room=?1)",
          room);
    });
  }

  EventSeq append(const NewEvent& event) override {
    return guarded([&] { return insert_event(core_, event); });
  }
  void deliver(EventSeq event, const NewDelivery& delivery, WallTime now) override {
    guarded([&] { insert_delivery(core_, event, delivery, now); });
  }

 private:
  template <class Body>
  auto guarded(Body&& body) -> decltype(body()) {
    check();
    try {
      return body();
    } catch (const SqlError& error) {
      failure_ = error;
      throw;
    }
  }

  OwnPk inserted() { return static_cast<OwnPk>(sqlite3_last_insert_rowid(db_.raw())); }

  OwnPk insert_visitor(const OwnVisitor& v) {
    const auto record = json::serialize(v.record);
    db_.run("INSERT INTO own_visitors(source,id,token,created_at,updated_at,record) VALUES(?1,?2,?3,?4,?5,?6)",
            core_.names.intern(db_, v.source), v.id, v.token, v.created_at, v.updated_at, record);
    const auto pk = inserted();
    core_.counters.note(Counters::Range::own_visitors, std::min(v.created_at, v.updated_at), pk);
    return pk;
  }

  // What is indexed changes seldom and is written apart: naming it in an UPDATE would write its index each time.
  OwnPk replace_visitor(const OwnVisitor& v) {
    const auto record = json::serialize(v.record);
    const int changed = db_.run("UPDATE own_visitors SET id=?2,created_at=?3,updated_at=?4,record=?5 WHERE pk=?1", v.pk,
                                v.id, v.created_at, v.updated_at, record);
    must_change(changed, "visitor");
    db_.run("UPDATE own_visitors SET source=?2,token=?3 WHERE pk=?1 AND (source<>?2 OR token<>?3)", v.pk,
            core_.names.intern(db_, v.source), v.token);
    return v.pk;
  }

  OwnPk insert_room(const OwnRoom& r) {
    const auto record = json::serialize(r.record);
    db_.run("INSERT INTO own_rooms(source,id,visitor,open,created_at,closed_at,record) VALUES(?1,?2,?3,?4,?5,?6,?7)",
            core_.names.intern(db_, r.source), r.id, r.visitor, r.open, r.created_at, r.closed_at, record);
    const auto pk = inserted();
    db_.run("INSERT INTO own_room_counts(room,last_at,messages) VALUES(?1,?2,?3)", pk, r.last_at, r.messages);
    core_.counters.note(Counters::Range::own_rooms, std::min(r.created_at, r.last_at), pk);
    return pk;
  }

  // A message changes the counts alone: what stays as it is is not written, since that would write its pages.
  OwnPk replace_room(const OwnRoom& r) {
    const auto record = json::serialize(r.record);
    must_change(db_.run("UPDATE own_room_counts SET last_at=?2,messages=?3 WHERE room=?1", r.pk, r.last_at, r.messages),
                "room");
    db_.run(
        "UPDATE own_rooms SET created_at=?2,closed_at=?3,record=?4 WHERE pk=?1 AND (created_at<>?2 OR closed_at IS NOT "
        "?3 OR record<>?4)",
        r.pk, r.created_at, r.closed_at, record);
    db_.run(
        "UPDATE own_rooms SET source=?2,id=?3,visitor=?4,open=?5 WHERE pk=?1 AND (source<>?2 OR id<>?3 OR visitor<>?4 "
        "OR open<>?5)",
        r.pk, core_.names.intern(db_, r.source), r.id, r.visitor, r.open);
    return r.pk;
  }

  Core& core_;
  Connection& db_;
  OwnTables tables_;
  std::optional<SqlError> failure_;
};

}  // namespace

void run_command(Core& core, const Store::Command& body) {
  SqliteTransaction transaction(core);
  try {
    body(transaction);
  } catch (const SqlError&) {
    throw;
  } catch (const std::exception& exception) {
    transaction.check();
    throw CommandFailed{exception.what()};
  } catch (...) {
    transaction.check();
    throw CommandFailed{"an exception of an unknown kind"};
  }
  transaction.check();
}

}  // namespace chatrelay::store::sqlite
