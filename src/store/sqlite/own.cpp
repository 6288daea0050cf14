#include "store/sqlite/own.hpp"

#include <algorithm>
#include <limits>

#include "store/sqlite/reader.hpp"
#include "store/sqlite/stored_json.hpp"

namespace chatrelay::store::sqlite {
namespace {

// A negative LIMIT or OFFSET means another thing to SQLite.
std::int64_t bounded(std::size_t n) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(n, 1ULL << 52));
}

json::object parse_record(std::string_view text) {
  auto value = parse_stored(text);
  if (!value.is_object()) throw SqlError{SQLITE_MISMATCH, "a stored conversation is not a JSON object"};
  return std::move(value.get_object());
}

#define VISITOR_COLUMNS "pk,source,id,token,created_at,updated_at,record"
#define ROOM_COLUMNS "pk,source,id,visitor,open,created_at,closed_at,last_at,messages,record"
#define WITH_COUNTS "JOIN own_room_counts ON room=pk "
#define MESSAGE_COLUMNS "room,sent_at,id,from_visitor,id_is_ours,record"
constexpr int record_column = 5;

OwnVisitor read_visitor(const Rows& rows, OwnTables& tables) {
  OwnVisitor v;
  v.pk = rows.number(0);
  v.source = tables.names.name(tables.db, rows.integer(1));
  v.id = rows.string(2);
  v.token = rows.string(3);
  v.created_at = rows.time(4);
  v.updated_at = rows.time(5);
  v.record = parse_record(rows.text(6));
  return v;
}

OwnRoom read_room(const Rows& rows, OwnTables& tables) {
  OwnRoom r;
  r.pk = rows.number(0);
  r.source = tables.names.name(tables.db, rows.integer(1));
  r.id = rows.string(2);
  r.visitor = rows.number(3);
  r.open = rows.integer(4) != 0;
  r.created_at = rows.time(5);
  r.closed_at = rows.maybe_time(6);
  r.last_at = rows.time(7);
  r.messages = rows.number(8);
  r.record = parse_record(rows.text(9));
  return r;
}

OwnMessage read_message(const Rows& rows) {
  OwnMessage m;
  m.room = rows.number(0);
  m.sent_at = rows.time(1);
  m.id = rows.string(2);
  m.from_visitor = rows.integer(3) != 0;
  m.id_is_ours = rows.integer(4) != 0;
  m.record = parse_record(rows.text(record_column));
  return m;
}

std::optional<OwnVisitor> one_visitor(Rows& rows, OwnTables& tables) {
  if (!rows.next()) return std::nullopt;
  return read_visitor(rows, tables);
}

std::optional<OwnRoom> one_room(Rows& rows, OwnTables& tables) {
  if (!rows.next()) return std::nullopt;
  return read_room(rows, tables);
}

std::vector<OwnRoom> all_rooms(Rows& rows, OwnTables& tables) {
  std::vector<OwnRoom> found;
  while (rows.next()) found.push_back(read_room(rows, tables));
  return found;
}

std::optional<OwnMessage> one_message(Rows& rows) {
  if (!rows.next()) return std::nullopt;
  return read_message(rows);
}

}  // namespace

std::optional<OwnVisitor> OwnTables::visitor(std::string_view source, std::string_view token) {
  const auto number = names.number(db, source);
  if (!number) return std::nullopt;
  Rows rows(db, "SELECT " VISITOR_COLUMNS " FROM own_visitors WHERE token=?1 AND source=?2", token, *number);
  return one_visitor(rows, *this);
}

std::optional<OwnVisitor> OwnTables::visitor(OwnPk pk) {
  Rows rows(db, "SELECT " VISITOR_COLUMNS " FROM own_visitors WHERE pk=?1", pk);
  return one_visitor(rows, *this);
}

std::optional<OwnRoom> OwnTables::room(std::string_view source, std::string_view id) {
  const auto number = names.number(db, source);
  if (!number) return std::nullopt;
  Rows rows(db, "SELECT " ROOM_COLUMNS " FROM own_rooms " WITH_COUNTS "WHERE id=?1 AND source=?2", id, *number);
  return one_room(rows, *this);
}

std::optional<OwnRoom> OwnTables::room(OwnPk pk) {
  Rows rows(db, "SELECT " ROOM_COLUMNS " FROM own_rooms " WITH_COUNTS "WHERE pk=?1", pk);
  return one_room(rows, *this);
}

std::vector<OwnRoom> OwnTables::open_rooms(OwnPk visitor, std::size_t limit) {
  Rows rows(db,
            "SELECT " ROOM_COLUMNS " FROM own_rooms INDEXED BY own_rooms_open " WITH_COUNTS
            "WHERE visitor=?1 AND open=1 ORDER BY pk LIMIT ?2",
            visitor, bounded(limit));
  return all_rooms(rows, *this);
}

std::vector<OwnRoom> OwnTables::rooms(OwnPk visitor, std::size_t limit) {
  Rows rows(db,
            "SELECT " ROOM_COLUMNS " FROM own_rooms INDEXED BY own_rooms_visitor " WITH_COUNTS
            "WHERE visitor=?1 ORDER BY pk DESC LIMIT ?2",
            visitor, bounded(limit));
  return all_rooms(rows, *this);
}

std::vector<OwnRoom> OwnTables::rooms(std::string_view source, OwnPk before, std::size_t limit) {
  const auto number = names.number(db, source);
  if (!number) return {};
  Rows rows(db,
            "SELECT " ROOM_COLUMNS " FROM own_rooms INDEXED BY own_rooms_source " WITH_COUNTS
            "WHERE pk<?1 AND source=?2 ORDER BY pk DESC LIMIT ?3",
            before == 0 ? std::numeric_limits<std::int64_t>::max() : bounded(before), *number,
            bounded(std::min(limit, page_max)));
  return all_rooms(rows, *this);
}

std::size_t OwnTables::count_rooms(OwnPk visitor, std::size_t limit) {
  Rows rows(db, "SELECT count(*) FROM (SELECT 1 FROM own_rooms INDEXED BY own_rooms_visitor WHERE visitor=?1 LIMIT ?2)",
            visitor, bounded(limit));
  rows.next();
  return rows.number(0);
}

std::optional<OwnMessage> OwnTables::message(std::string_view source, std::string_view id) {
  const auto number = names.number(db, source);
  if (!number) return std::nullopt;
  Rows rows(db, "SELECT " MESSAGE_COLUMNS " FROM own_messages WHERE id=?1 AND source=?2", id, *number);
  return one_message(rows);
}

std::vector<OwnMessage> OwnTables::messages(const OwnMessageQuery& query) {
  // SQLite steps over `offset` entries without reading the records.
  Rows rows(db,
            "SELECT " MESSAGE_COLUMNS
            " FROM own_messages WHERE room=?1 AND sent_at>=?2 AND sent_at<?3 ORDER BY sent_at DESC LIMIT ?4 OFFSET ?5",
            query.room, query.from ? to_ms(*query.from) : std::numeric_limits<std::int64_t>::min(),
            query.before ? to_ms(*query.before) : std::numeric_limits<std::int64_t>::max(),
            bounded(std::min(query.limit, page_max)), bounded(query.offset));
  std::vector<OwnMessage> found;
  for (std::size_t bytes = 0; bytes < query.bytes_max && rows.next();) {
    bytes += rows.text(record_column).size();
    found.push_back(read_message(rows));
  }
  return found;
}

std::size_t OwnTables::count_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit) {
  Rows rows(db,
            "SELECT count(*) FROM (SELECT 1 FROM own_messages WHERE room=?1 AND sent_at>?2 AND sent_at<?3 ORDER BY "
            "sent_at LIMIT ?4)",
            room, after, before, bounded(limit));
  rows.next();
  return rows.number(0);
}

std::optional<OwnMessage> OwnTables::oldest_message(OwnPk room, WallTime after, WallTime before) {
  Rows rows(db,
            "SELECT " MESSAGE_COLUMNS
            " FROM own_messages WHERE room=?1 AND sent_at>?2 AND sent_at<?3 ORDER BY sent_at LIMIT 1",
            room, after, before);
  return one_message(rows);
}

}  // namespace chatrelay::store::sqlite
