#include "store/sqlite/reader.hpp"

#include <algorithm>

#include "event/part_id.hpp"
#include "store/ids.hpp"

namespace chatrelay::store::sqlite {

std::unique_ptr<Reader> make_reader(const std::string& path) {
  return std::make_unique<SqliteReader>(path);
}

void ReaderBase::begin() {
  if (!db_) {
    auto opened = std::make_unique<Connection>(path_, Connection::Mode::read_only);
    opened->execute("PRAGMA query_only=1; PRAGMA cache_size=-4096; PRAGMA temp_store=MEMORY");
    db_ = std::move(opened);
  }
  db_->run("BEGIN");
}

void ReaderBase::end() noexcept {
  if (db_->in_transaction()) sqlite3_exec(db_->raw(), "COMMIT", nullptr, nullptr, nullptr);
}

ReaderBase::Numbers ReaderBase::numbers_of(int kind, std::optional<WallTime> since, std::optional<WallTime> until,
                                           std::uint64_t before) {
  constexpr std::int64_t hour_ms = 3'600'000;
  Numbers range{0, before == 0 ? (1ULL << 52) : before - 1};
  if (!since && !until) return range;
  const std::int64_t from = since ? to_ms(*since) / hour_ms : INT64_MIN,
                     to = until ? to_ms(*until) / hour_ms : INT64_MAX;
  Rows rows(*db_, "SELECT min(first),max(last) FROM time_ranges WHERE kind=?1 AND hour>=?2 AND hour<=?3", kind, from,
            to);
  if (!rows.next() || rows.null(0)) return {1, 0};
  range.first = rows.number(0);
  range.last = std::min(range.last, rows.number(1));
  return range;
}

std::vector<std::int64_t> ReaderBase::chats_of(std::string_view source, std::string_view chat_id) {
  std::vector<std::int64_t> found;
  std::optional<std::int64_t> number;
  if (!source.empty()) {
    number = names_.number(*db_, source);
    if (!number) return found;
  }
  Rows rows(*db_, "SELECT pk FROM chats WHERE chat_id=?1 AND (?2 IS NULL OR source=?2) ORDER BY pk DESC", chat_id,
            number);
  while (rows.next()) found.push_back(rows.integer(0));
  return found;
}

std::vector<PlannedPart> ReaderBase::parts_of(EventSeq seq) {
  std::vector<PlannedPart> parts;
  Rows rows(*db_,
            "SELECT p.id,p.type,p.suppressed,p.thread_id,c.chat_id FROM event_parts p LEFT JOIN chats c ON c.pk=p.chat "
            "WHERE p.id>=?1 AND p.id<?2 ORDER BY p.id",
            seq * parts_max, (seq + 1) * parts_max);
  while (rows.next()) {
    PlannedPart part;
    part.part = static_cast<std::uint32_t>(rows.number(0) % parts_max);
    part.type = names_.name(*db_, rows.integer(1));
    part.suppressed = rows.integer(2) != 0;
    part.thread_id = rows.string(3);
    part.chat_id = rows.string(4);
    parts.push_back(std::move(part));
  }
  return parts;
}

std::optional<StoredEvent> ReaderBase::load_event(EventSeq seq, bool with_body) {
  Rows rows(*db_, "SELECT salt,source,received_at,content_type,iif(?2,body,NULL) FROM events WHERE seq=?1", seq,
            with_body);
  if (!rows.next()) return std::nullopt;
  StoredEvent event;
  event.seq = seq;
  event.received_at = rows.time(2);
  event.id = record_id(event.received_at, static_cast<std::uint32_t>(rows.integer(0)), seq);
  event.source = names_.name(*db_, rows.integer(1));
  event.content_type = rows.string(3);
  event.body = rows.string(4);
  return event;
}

DeliveryOrigin ReaderBase::load_origin(const EventRef& event) {
  DeliveryOrigin origin;
  Rows rows(*db_,
            "SELECT e.received_at,e.salt,e.source,p.type,p.thread_id,c.chat_id,c.visitor_id FROM events e LEFT JOIN "
            "event_parts p ON "
            "p.id=?2 LEFT JOIN chats c ON c.pk=p.chat WHERE e.seq=?1",
            event.seq, event.seq * parts_max + std::min(event.part, parts_max - 1));
  if (!rows.next()) return origin;
  const auto salt = static_cast<std::uint32_t>(rows.integer(1));
  origin.event_id = record_id(rows.time(0), salt_of_part(salt, event.part), event.seq);
  origin.source = names_.name(*db_, rows.integer(2));
  if (event.part >= parts_max || rows.null(3)) return origin;
  origin.type = names_.name(*db_, rows.integer(3));
  origin.thread_id = rows.string(4);
  origin.chat_id = rows.string(5);
  origin.visitor_id = rows.string(6);
  return origin;
}

std::optional<StoredDelivery> ReaderBase::load_delivery(DeliverySeq seq, bool with_payload) {
  Rows rows(*db_,
            "SELECT "
            "salt,event_seq,part,rule,destination,action,lane,state,due_at,created_at,first_pending_at,attempts,reason,"
            "finished_at,"
            "iif(?2,(SELECT payload FROM payloads p WHERE p.seq=d.seq),NULL),"
            "iif(?2,x.inputs,NULL),x.lock,x.progress,x.deadline,x.visitor_id,json_extract(x.other_way,'$.to'),x.note,"
            "x.begun "
            "FROM deliveries d LEFT JOIN delivery_details x ON x.seq=d.seq WHERE d.seq=?1",
            seq, with_payload);
  if (!rows.next()) return std::nullopt;
  StoredDelivery d;
  d.seq = seq;
  d.event = {rows.number(1), static_cast<std::uint32_t>(rows.integer(2))};
  d.rule = names_.name(*db_, rows.integer(3));
  d.destination = names_.name(*db_, rows.integer(4));
  d.action = names_.name(*db_, rows.integer(5));
  d.lane = static_cast<LaneId>(rows.integer(6));
  d.state = static_cast<DeliveryState>(rows.integer(7));
  d.due_at = rows.time(8);
  d.created_at = rows.time(9);
  d.id = record_id(d.created_at, static_cast<std::uint32_t>(rows.integer(0)), seq);
  d.first_pending_at = rows.time(10);
  d.attempts = static_cast<int>(rows.integer(11));
  d.reason = rows.string(12);
  d.finished_at = rows.maybe_time(13);
  d.payload = rows.string(14);
  d.inputs = rows.string(15);
  if (!rows.null(16)) d.lock = static_cast<LinkScope>(rows.integer(16));
  d.progress = rows.string(17);
  d.deadline = rows.maybe_time(18);
  d.origin.visitor_id = rows.string(19);
  d.other_destination = rows.string(20);
  d.note = rows.string(21);
  d.begun = !rows.null(22);
  return d;
}

}  // namespace chatrelay::store::sqlite
