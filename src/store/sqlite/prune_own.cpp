// Retention of conversations of our own. A room's row goes first, all its messages later, a few at a time: nobody ever
// sees half a room. Until they are gone the ids of those messages are taken.
#include "store/sqlite/core.hpp"

namespace chatrelay::store::sqlite {
namespace {

constexpr std::size_t look_per_row = 4;
enum Gone : int { visitor_gone = 0, room_gone = 1 };

std::optional<std::int64_t> first_gone(Core& core, Gone kind) {
  Rows rows(core.db, "SELECT pk FROM own_gone WHERE kind=?1 ORDER BY pk LIMIT 1", static_cast<int>(kind));
  if (!rows.next()) return std::nullopt;
  return rows.integer(0);
}

void cleared(Core& core, Gone kind, std::int64_t pk) {
  core.db.run("DELETE FROM own_gone WHERE kind=?1 AND pk=?2", static_cast<int>(kind), pk);
}

void remove_room(Core& core, std::int64_t pk) {
  core.db.run("DELETE FROM own_rooms WHERE pk=?1", pk);
  core.db.run("DELETE FROM own_room_counts WHERE room=?1", pk);
  core.db.run(
      "INSERT OR IGNORE INTO own_gone(kind,pk) SELECT 1,?1 WHERE EXISTS(SELECT 1 FROM own_messages WHERE room=?1)", pk);
}

}  // namespace

std::size_t Pruner::rooms_of_gone_visitors(Core& core, std::size_t limit) {
  std::size_t removed = 0;
  while (removed < limit) {
    const auto visitor = first_gone(core, visitor_gone);
    if (!visitor) return removed;
    std::vector<std::int64_t> rooms;
    {
      Rows rows(core.db, "SELECT pk FROM own_rooms WHERE visitor=?1 LIMIT ?2", *visitor,
                static_cast<std::uint64_t>(limit - removed));
      while (rows.next()) rooms.push_back(rows.integer(0));
    }
    for (auto room : rooms) remove_room(core, room);
    removed += rooms.size();
    if (removed >= limit) return removed;
    cleared(core, visitor_gone, *visitor);
    ++removed;
  }
  return removed;
}

std::size_t Pruner::own_rooms(Core& core, WallTime before, std::size_t limit) {
  std::vector<std::int64_t> old;
  {
    Rows rows(core.db, "SELECT room,last_at FROM own_room_counts WHERE room>?1 AND room<?2 ORDER BY room LIMIT ?3", at_,
              bound_, static_cast<std::uint64_t>(limit * look_per_row));
    while (old.size() < limit && rows.next()) {
      at_ = rows.integer(0);
      if (rows.time(1) < before) old.push_back(at_);
    }
  }
  for (auto room : old) remove_room(core, room);
  return old.size();
}

std::size_t Pruner::messages_of_gone_rooms(Core& core, std::size_t limit) {
  std::size_t removed = 0;
  while (removed < limit) {
    const auto room = first_gone(core, room_gone);
    if (!room) return removed;
    removed += static_cast<std::size_t>(core.db.run(
        "DELETE FROM own_messages WHERE room=?1 AND sent_at IN (SELECT sent_at FROM own_messages WHERE room=?1 ORDER "
        "BY sent_at LIMIT ?2)",
        *room, static_cast<std::uint64_t>(limit - removed)));
    if (removed >= limit) return removed;
    cleared(core, room_gone, *room);
    ++removed;
  }
  return removed;
}

std::size_t Pruner::own_visitors(Core& core, WallTime before, std::size_t limit) {
  std::vector<std::int64_t> old;
  {
    Rows rows(core.db,
              "SELECT pk,updated_at,EXISTS(SELECT 1 FROM own_rooms r WHERE r.visitor=v.pk) FROM own_visitors v WHERE "
              "pk>?1 AND pk<?2 ORDER BY pk LIMIT ?3",
              at_, bound_, static_cast<std::uint64_t>(limit * look_per_row));
    while (old.size() < limit && rows.next()) {
      at_ = rows.integer(0);
      if (rows.time(1) < before && rows.integer(2) == 0) old.push_back(at_);
    }
  }
  for (auto visitor : old) core.db.run("DELETE FROM own_visitors WHERE pk=?1", visitor);
  return old.size();
}

}  // namespace chatrelay::store::sqlite
