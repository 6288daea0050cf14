#include "store/sqlite/migrations.hpp"

#include "store/sqlite/database.hpp"
#include "store/sqlite/files.hpp"

namespace chatrelay::store::sqlite {
namespace {

// Version 1. Rows that are written on the accept path are appended only; nothing there is indexed by a random key.
constexpr const char* version_1 = R"sql(
-- Sources, types, rules, destinations and actions, by number.
CREATE TABLE names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- What would need a scan otherwise; written in the transaction that changes it. kind 0: totals and the next numbers;
-- 1: deliveries of a destination by state; 2: last webhook of a source.
CREATE TABLE counters(kind INTEGER, id INTEGER, a INTEGER NOT NULL DEFAULT 0, b INTEGER NOT NULL DEFAULT 0, c INTEGER NOT NULL DEFAULT 0,
  d INTEGER NOT NULL DEFAULT 0, e INTEGER NOT NULL DEFAULT 0, f INTEGER NOT NULL DEFAULT 0, g INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(kind, id)) WITHOUT ROWID;
-- Which numbers an hour of wall time can hold: true also when the clock jumped. kind 0: events, 1: deliveries, 2: chats,
-- 3: rooms of our own, 4: visitors of our own, 5: links.
CREATE TABLE time_ranges(kind INTEGER, hour INTEGER, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(kind, hour)) WITHOUT ROWID;

CREATE TABLE events(seq INTEGER PRIMARY KEY, salt INTEGER NOT NULL, source INTEGER NOT NULL, received_at INTEGER NOT NULL,
  content_type TEXT, body BLOB NOT NULL);
CREATE TABLE unplanned(seq INTEGER PRIMARY KEY);

-- id = event's seq * 1024 + part.
CREATE TABLE event_parts(id INTEGER PRIMARY KEY, type INTEGER NOT NULL, chat INTEGER, suppressed INTEGER NOT NULL, thread_id TEXT);
CREATE INDEX event_parts_chat ON event_parts(chat) WHERE chat IS NOT NULL;
CREATE INDEX event_parts_type ON event_parts(type);
CREATE TABLE rule_failures(seq INTEGER, n INTEGER, part INTEGER NOT NULL, rule INTEGER NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(seq, n)) WITHOUT ROWID;

-- known = 0: only named by events; there is no conversation (any more).
CREATE TABLE chats(pk INTEGER PRIMARY KEY, source INTEGER NOT NULL, chat_id TEXT NOT NULL, known INTEGER NOT NULL DEFAULT 0,
  visitor_id TEXT NOT NULL DEFAULT '', visitor_name TEXT NOT NULL DEFAULT '', visitor_email TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT '', thread_id TEXT NOT NULL DEFAULT '', started_at INTEGER, active_at INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX chats_id ON chats(chat_id, source);
CREATE INDEX chats_visitor ON chats(visitor_id) WHERE visitor_id <> '';
CREATE TABLE messages(chat INTEGER, n INTEGER, message_id TEXT NOT NULL, event_seq INTEGER NOT NULL, changed_by INTEGER NOT NULL,
  deleted INTEGER NOT NULL, thread_id TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY(chat, n)) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_id ON messages(chat, message_id);
-- What a message was until the webhook `until` changed it: for a transcript as of an earlier event.
CREATE TABLE message_versions(chat INTEGER, n INTEGER, until INTEGER, changed_by INTEGER NOT NULL, deleted INTEGER NOT NULL,
  message TEXT NOT NULL, PRIMARY KEY(chat, n, until)) WITHOUT ROWID;

-- pos: place in the lane, numbered by the writer. head = 1: the first open one of its lane; never two in a lane.
-- ambiguous = 1: its last attempt may have been applied; only an operator releases such a hold.
CREATE TABLE deliveries(seq INTEGER PRIMARY KEY, salt INTEGER NOT NULL, event_seq INTEGER NOT NULL, part INTEGER NOT NULL,
  rule INTEGER NOT NULL, destination INTEGER NOT NULL, action INTEGER NOT NULL, lane INTEGER NOT NULL, pos INTEGER NOT NULL,
  state INTEGER NOT NULL, head INTEGER NOT NULL, due_at INTEGER NOT NULL, created_at INTEGER NOT NULL, first_pending_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL, ambiguous INTEGER NOT NULL, reason TEXT, finished_at INTEGER);
CREATE INDEX deliveries_lane ON deliveries(lane, pos) WHERE state < 3;
CREATE INDEX deliveries_due ON deliveries(destination, due_at, pos) WHERE head = 1 AND state < 2;
CREATE INDEX deliveries_open ON deliveries(destination) WHERE state < 3;
CREATE INDEX deliveries_held ON deliveries(destination, ambiguous) WHERE state = 2;
CREATE INDEX deliveries_dead ON deliveries(destination) WHERE state = 4;
CREATE INDEX deliveries_destination ON deliveries(destination);
CREATE INDEX deliveries_event ON deliveries(event_seq);
-- Apart, so that a change of state does not rewrite it.
CREATE TABLE payloads(seq INTEGER PRIMARY KEY, payload TEXT NOT NULL);
CREATE TABLE attempts(delivery INTEGER, number INTEGER, started_at INTEGER NOT NULL, took_ms INTEGER NOT NULL, outcome INTEGER NOT NULL,
  status INTEGER NOT NULL, reason TEXT NOT NULL, response TEXT NOT NULL, PRIMARY KEY(delivery, number)) WITHOUT ROWID;
CREATE TABLE destination_states(name TEXT PRIMARY KEY, paused INTEGER NOT NULL, disabled INTEGER NOT NULL, reason TEXT NOT NULL,
  changed_at INTEGER NOT NULL, circuit_failures INTEGER NOT NULL, circuit_open_until INTEGER, throttled_until INTEGER) WITHOUT ROWID;

-- De-duplication (dedup.hpp). seq is the event's.
CREATE TABLE dedup_recent(seq INTEGER PRIMARY KEY, key BLOB NOT NULL, seen_at INTEGER NOT NULL, window_ms INTEGER NOT NULL);
CREATE TABLE dedup_sealed(bucket INTEGER, key BLOB, seen_at INTEGER NOT NULL, window_ms INTEGER NOT NULL, PRIMARY KEY(bucket, key)) WITHOUT ROWID;
CREATE TABLE dedup_buckets(bucket INTEGER PRIMARY KEY, upto_seq INTEGER NOT NULL, max_expires INTEGER NOT NULL, keys INTEGER NOT NULL, bloom BLOB NOT NULL);
)sql";

constexpr const char* version_2 = R"sql(
-- Conversations of our own. A number is never given twice: rooms outlive a visitor that was removed, and must not become
-- another's.
CREATE TABLE own_visitors(pk INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, id TEXT NOT NULL, token TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, record TEXT NOT NULL);
CREATE UNIQUE INDEX own_visitors_token ON own_visitors(token, source);
CREATE TABLE own_rooms(pk INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, id TEXT NOT NULL, visitor INTEGER NOT NULL,
  open INTEGER NOT NULL, created_at INTEGER NOT NULL, closed_at INTEGER, record TEXT NOT NULL);
CREATE UNIQUE INDEX own_rooms_id ON own_rooms(id, source);
CREATE INDEX own_rooms_visitor ON own_rooms(visitor);
CREATE INDEX own_rooms_open ON own_rooms(visitor) WHERE open = 1;
-- Apart: what every message changes, two hundred rooms in a page.
CREATE TABLE own_room_counts(room INTEGER PRIMARY KEY, last_at INTEGER NOT NULL, messages INTEGER NOT NULL);
-- A room's messages lie together in their order: a page of them is one descent, however many there are.
CREATE TABLE own_messages(room INTEGER, sent_at INTEGER, source INTEGER NOT NULL, id TEXT NOT NULL, from_visitor INTEGER NOT NULL,
  id_is_ours INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY(room, sent_at)) WITHOUT ROWID;
CREATE UNIQUE INDEX own_messages_id ON own_messages(id, source);
-- What retention has yet to clear away. kind 0: rooms of a visitor that is gone, 1: messages of a room that is gone.
CREATE TABLE own_gone(kind INTEGER, pk INTEGER, PRIMARY KEY(kind, pk)) WITHOUT ROWID;
)sql";

constexpr const char* version_3 = R"sql(
CREATE TABLE remembered(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- The rooms of one source, newest first, however many others there are.
CREATE INDEX own_rooms_source ON own_rooms(source);
)sql";

constexpr const char* version_4 = R"sql(
-- What destinations remember. scope 1: subject is a visitor, 2: a chat, 3: a chat, with its thread.
CREATE TABLE links(id INTEGER PRIMARY KEY AUTOINCREMENT, destination INTEGER NOT NULL, source INTEGER NOT NULL, scope INTEGER NOT NULL,
  subject TEXT NOT NULL, thread TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, delivery INTEGER NOT NULL, saved_at INTEGER NOT NULL);
CREATE UNIQUE INDEX links_subject ON links(destination, source, subject, thread, scope, key);
CREATE INDEX links_value ON links(value);
-- Of deliveries that need more than their row: few, so that the others' way stays short. other_way: what takes its place
-- after the deadline, JSON. note: of one in place of another, which one that was. begun: an attempt whose end is
-- not known yet, where it matters.
CREATE TABLE delivery_details(seq INTEGER PRIMARY KEY, visitor_id TEXT, lock INTEGER, inputs TEXT, progress TEXT, deadline INTEGER,
  other_way TEXT, note TEXT, begun INTEGER);
CREATE INDEX delivery_details_deadline ON delivery_details(deadline) WHERE deadline IS NOT NULL;
-- Chats that silence may end. By pk, not by time: a message must not move its chat here.
CREATE INDEX chats_open ON chats(pk) WHERE status IN ('queued','active','bot');
)sql";

std::string meta_value(Connection& db, const char* literal) {
  if (db.pragma("SELECT count(*) FROM sqlite_schema WHERE name='meta'") == 0) return {};
  Rows rows(db, literal);
  return rows.next() ? rows.string(0) : std::string{};
}

Result<void> run_step(Connection& db, const Migration& step) {
  try {
    db.execute("BEGIN IMMEDIATE");
    db.execute("CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    db.execute(step.sql.c_str());
    db.run("INSERT OR REPLACE INTO meta VALUES('needs', ?1)", step.chatrelay);
    db.execute(("PRAGMA application_id=" + std::to_string(application_id)).c_str());
    db.execute(("PRAGMA user_version=" + std::to_string(step.version)).c_str());
    db.execute("COMMIT");
    return {};
  } catch (const SqlError& error) {
    if (db.in_transaction()) db.execute("ROLLBACK");
    return to_error(error, "migration to version " + std::to_string(step.version));
  }
}

}  // namespace

const std::vector<Migration>& migrations() {
  static const std::vector<Migration> steps{
      {1, "0.1.0", version_1}, {2, "0.1.0", version_2}, {3, "0.1.0", version_3}, {4, "0.1.0", version_4}};
  return steps;
}

Result<void> migrate(Connection& db, const std::string& path, const std::vector<Migration>& steps) {
  const auto id = db.pragma("PRAGMA application_id");
  const auto version = static_cast<int>(db.pragma("PRAGMA user_version"));
  const bool empty = db.pragma("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && id != application_id)
    return invalid(path + " is a SQLite database, but not a store of chatrelay; name another file under `store:`");
  const int newest = steps.back().version;
  if (version > newest) {
    const std::string needs = meta_value(db, "SELECT value FROM meta WHERE key='needs'");
    const std::string by = meta_value(db, "SELECT value FROM meta WHERE key='written_by'");
    return invalid(path + " was written by a newer chatrelay" + (by.empty() ? "" : " (" + by + ")") +
                   ": its store version is " + std::to_string(version) +
                   ", this chatrelay " CHATRELAY_VERSION " knows versions up to " + std::to_string(newest) +
                   "; install chatrelay " + (needs.empty() ? "of a newer release" : needs + " or newer") +
                   ", or restore the copy that was made before the upgrade (" + path + ".before-*)");
  }
  if (!empty && version < newest) {
    auto copied = copy_database(path, path + ".before-" + std::to_string(version), true);
    if (!copied) return copied.error();
  }
  for (const auto& step : steps) {
    if (step.version <= version) continue;
    auto done = run_step(db, step);
    if (!done) return done.error();
  }
  try {
    db.run(
        "INSERT OR REPLACE INTO meta SELECT 'written_by', ?1 WHERE NOT EXISTS(SELECT 1 FROM meta WHERE "
        "key='written_by' AND value=?1)",
        CHATRELAY_VERSION);
  } catch (const SqlError& error) {
    return to_error(error, "noting the version");
  }
  return {};
}

}  // namespace chatrelay::store::sqlite
