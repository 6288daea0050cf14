// The Reader's view of webhooks.
#include <algorithm>

#include "store/ids.hpp"
#include "store/sqlite/files.hpp"
#include "store/sqlite/reader.hpp"

namespace chatrelay::store::sqlite {

Result<std::vector<StoredEvent>> SqliteReader::unplanned(EventSeq after, std::size_t limit) {
  return read([&] {
    std::vector<StoredEvent> events;
    Rows rows(db(),
              "SELECT u.seq,e.salt,e.source,e.received_at,e.content_type,e.body FROM unplanned u CROSS JOIN events e "
              "ON e.seq=u.seq "
              "WHERE u.seq>?1 ORDER BY u.seq LIMIT ?2",
              after, static_cast<std::uint64_t>(limit));
    while (rows.next()) {
      StoredEvent event;
      event.seq = rows.number(0);
      event.received_at = rows.time(3);
      event.id = record_id(event.received_at, static_cast<std::uint32_t>(rows.integer(1)), event.seq);
      event.source = names_.name(db(), rows.integer(2));
      event.content_type = rows.string(4);
      event.body = rows.string(5);
      events.push_back(std::move(event));
    }
    return events;
  });
}

Result<std::vector<StoredEvent>> SqliteReader::events_of_chat(std::string_view source, std::string_view chat_id,
                                                              EventSeq upto) {
  return read([&] {
    std::vector<StoredEvent> events;
    for (auto chat : chats_of(source, chat_id)) {
      std::vector<EventSeq> seqs;
      {
        Rows rows(
            db(),
            "SELECT DISTINCT id/1024 FROM event_parts INDEXED BY event_parts_chat WHERE chat=?1 AND id<?2 ORDER BY id",
            chat, (std::min<EventSeq>(upto, 1ULL << 52) + 1) * parts_max);
        while (rows.next()) seqs.push_back(rows.number(0));
      }
      for (auto seq : seqs)
        if (auto event = load_event(seq, true)) events.push_back(std::move(*event));
    }
    return events;
  });
}

Result<std::optional<StoredEvent>> SqliteReader::event(EventSeq seq) {
  return read([&] { return load_event(seq, true); });
}

Result<std::optional<StoredEvent>> SqliteReader::find_event(std::string_view id) {
  return read([&]() -> std::optional<StoredEvent> {
    const auto parts = decode_ulid(id);
    if (!parts) return std::nullopt;
    auto event = load_event(parts->sequence, true);
    if (!event) return std::nullopt;
    const auto own = decode_ulid(event->id);
    if (!own || !is_id_of(*parts, event->received_at, own->salt, parts_max)) return std::nullopt;
    return event;
  });
}

Result<std::vector<PlannedPart>> SqliteReader::parts(EventSeq seq) {
  return read([&] { return parts_of(seq); });
}

Result<std::vector<RuleFailure>> SqliteReader::failures(EventSeq seq) {
  return read([&] {
    std::vector<RuleFailure> failures;
    Rows rows(db(), "SELECT part,rule,place,reason FROM rule_failures WHERE seq=?1 ORDER BY n", seq);
    while (rows.next())
      failures.push_back({static_cast<std::uint32_t>(rows.integer(0)), names_.name(db(), rows.integer(1)),
                          rows.string(2), rows.string(3)});
    return failures;
  });
}

Result<std::optional<WallTime>> SqliteReader::last_received(std::string_view source) {
  return read([&]() -> std::optional<WallTime> {
    const auto number = names_.number(db(), source);
    if (!number) return std::nullopt;
    Rows rows(db(), "SELECT a FROM counters WHERE kind=2 AND id=?1", *number);
    if (!rows.next()) return std::nullopt;
    return rows.time(0);
  });
}

Result<Totals> SqliteReader::totals() {
  return read([&] {
    Totals totals;
    Rows rows(db(), "SELECT a,b,c FROM counters WHERE kind=0");
    if (rows.next()) {
      totals.events = rows.number(0);
      totals.unplanned = rows.number(1);
      totals.open_deliveries = rows.number(2);
    }
    totals.file_bytes = size_of(path_);
    totals.wal_bytes = size_of(path_ + "-wal");
    return totals;
  });
}

// The index that narrows most drives; newest first; until `visit` says enough.
void SqliteReader::candidates(const EventFilter& f, Numbers range, const std::function<bool(EventSeq)>& visit) {
  if (range.first > range.last) return;
  if (!f.chat_id.empty()) {
    std::vector<EventSeq> seqs;
    for (auto chat : chats_of(f.source, f.chat_id)) {
      Rows rows(db(),
                "SELECT DISTINCT id/1024 FROM event_parts INDEXED BY event_parts_chat WHERE chat=?1 AND id>=?2 AND "
                "id<?3 ORDER BY id DESC",
                chat, range.first * parts_max, (range.last + 1) * parts_max);
      for (std::size_t n = 0; n < rows_looked_at_max && rows.next(); ++n) seqs.push_back(rows.number(0));
    }
    std::sort(seqs.rbegin(), seqs.rend());
    seqs.erase(std::unique(seqs.begin(), seqs.end()), seqs.end());
    for (auto seq : seqs)
      if (!visit(seq)) return;
    return;
  }
  auto walk = [&](Rows& rows) {
    EventSeq last = 0;
    for (std::size_t n = 0; n < rows_looked_at_max && rows.next(); ++n) {
      if (rows.number(0) == last) continue;
      last = rows.number(0);
      if (!visit(last)) return;
    }
  };
  if (f.failures_only) {
    Rows rows(db(), "SELECT seq FROM rule_failures WHERE seq>=?1 AND seq<=?2 ORDER BY seq DESC", range.first,
              range.last);
    return walk(rows);
  }
  if (!f.type.empty()) {
    const auto type = names_.number(db(), f.type);
    if (!type) return;
    Rows rows(db(),
              "SELECT id/1024 FROM event_parts INDEXED BY event_parts_type WHERE type=?1 AND id>=?2 AND id<?3 AND "
              "suppressed=0 ORDER BY id DESC",
              *type, range.first * parts_max, (range.last + 1) * parts_max);
    return walk(rows);
  }
  if (!f.source.empty()) {
    const auto source = names_.number(db(), f.source);
    if (!source) return;
    // No index: it would cost every append. The newest ones of all sources are looked through instead, as many as a
    // listing may look at.
    Rows rows(
        db(),
        "SELECT seq FROM (SELECT seq,source FROM events WHERE seq>=?2 AND seq<=?3 ORDER BY seq DESC LIMIT 200000) "
        "WHERE source=?1",
        *source, range.first, range.last);
    return walk(rows);
  }
  Rows rows(db(), "SELECT seq FROM events WHERE seq>=?1 AND seq<=?2 ORDER BY seq DESC", range.first, range.last);
  walk(rows);
}

bool SqliteReader::matches(const EventFilter& f, const EventRow& row) const {
  const auto& event = row.event;
  if (!f.source.empty() && event.source != f.source) return false;
  if ((f.since && event.received_at < *f.since) || (f.until && event.received_at > *f.until)) return false;
  if (f.failures_only && row.failures == 0) return false;
  auto any = [&](auto&& test) { return std::any_of(row.parts.begin(), row.parts.end(), test); };
  if (!f.type.empty() && !any([&](const PlannedPart& p) { return p.type == f.type && !p.suppressed; })) return false;
  return f.chat_id.empty() || any([&](const PlannedPart& p) { return p.chat_id == f.chat_id; });
}

Result<std::vector<EventRow>> SqliteReader::list_events(const EventFilter& filter) {
  return read([&] {
    std::vector<EventRow> found;
    const auto limit = std::min(filter.page.limit, page_max);
    if (limit == 0) return found;
    candidates(filter, numbers_of(0, filter.since, filter.until, filter.page.before), [&](EventSeq seq) {
      auto event = load_event(seq, false);
      if (!event) return true;
      EventRow row;
      row.event = std::move(*event);
      row.parts = parts_of(seq);
      {
        Rows rows(db(),
                  "SELECT (SELECT count(*) FROM deliveries WHERE event_seq=?1),(SELECT count(*) FROM rule_failures "
                  "WHERE seq=?1)",
                  seq);
        if (rows.next()) {
          row.deliveries = rows.number(0);
          row.failures = rows.number(1);
        }
      }
      if (matches(filter, row)) found.push_back(std::move(row));
      return found.size() < limit;
    });
    return found;
  });
}

}  // namespace chatrelay::store::sqlite
