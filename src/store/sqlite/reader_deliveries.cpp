// The Reader's view of deliveries, attempts and destinations.
#include <algorithm>

#include "common/ids.hpp"
#include "store/ids.hpp"
#include "store/sqlite/reader.hpp"

namespace chatrelay::store::sqlite {

Result<std::vector<StoredDelivery>> SqliteReader::due(std::string_view destination, WallTime now, std::size_t limit,
                                                      const std::vector<DeliverySeq>& skip) {
  return read([&] {
    std::vector<StoredDelivery> found;
    const auto number = names_.number(db(), destination);
    if (!number || limit == 0) return found;
    std::vector<DeliverySeq> seqs;
    {
      // The index alone: what is under way is passed without touching its row.
      Rows rows(db(),
                "SELECT seq FROM deliveries INDEXED BY deliveries_due WHERE destination=?1 AND head=1 AND state<2 AND "
                "due_at<=?2 ORDER BY due_at,pos",
                *number, now);
      while (seqs.size() < limit && rows.next())
        if (!std::binary_search(skip.begin(), skip.end(), rows.number(0))) seqs.push_back(rows.number(0));
    }
    for (auto seq : seqs) {
      auto delivery = load_delivery(seq, true);
      if (!delivery) continue;
      std::string visitor_id = std::move(delivery->origin.visitor_id);
      delivery->origin = load_origin(delivery->event);
      if (!visitor_id.empty()) delivery->origin.visitor_id = std::move(visitor_id);
      found.push_back(std::move(*delivery));
    }
    return found;
  });
}

Result<std::optional<WallTime>> SqliteReader::next_due(std::string_view destination, WallTime now) {
  return read([&]() -> std::optional<WallTime> {
    const auto number = names_.number(db(), destination);
    if (!number) return std::nullopt;
    Rows rows(db(),
              "SELECT due_at FROM deliveries INDEXED BY deliveries_due WHERE destination=?1 AND head=1 AND state<2 AND "
              "due_at>?2 ORDER BY due_at LIMIT 1",
              *number, now);
    if (!rows.next()) return std::nullopt;
    return rows.time(0);
  });
}

Result<std::optional<json::value>> SqliteReader::remembered(std::string_view name) {
  return read([&]() -> std::optional<json::value> {
    Rows rows(db(), "SELECT value FROM remembered WHERE name=?1", name);
    if (!rows.next()) return std::nullopt;
    return json::parse(rows.string(0));
  });
}

Result<std::vector<DestinationState>> SqliteReader::destination_states() {
  return read([&] {
    std::vector<DestinationState> states;
    Rows rows(db(),
              "SELECT name,paused,disabled,reason,changed_at,circuit_failures,circuit_open_until,throttled_until FROM "
              "destination_states ORDER BY name");
    while (rows.next()) {
      DestinationState s;
      s.name = rows.string(0);
      s.paused = rows.integer(1) != 0;
      s.disabled = rows.integer(2) != 0;
      s.reason = rows.string(3);
      s.changed_at = rows.time(4);
      s.circuit_failures = rows.integer(5);
      s.circuit_open_until = rows.maybe_time(6);
      s.throttled_until = rows.maybe_time(7);
      states.push_back(std::move(s));
    }
    return states;
  });
}

Result<std::vector<DestinationBacklog>> SqliteReader::backlog() {
  return read([&] {
    std::vector<DestinationBacklog> backlogs;
    Rows rows(db(),
              "SELECT id,a,b,c,e,(SELECT created_at FROM deliveries d INDEXED BY deliveries_open WHERE "
              "d.destination=counters.id AND d.state<3 ORDER BY seq LIMIT 1) "
              "FROM counters WHERE kind=1");
    while (rows.next()) {
      DestinationBacklog b;
      b.destination = names_.name(db(), rows.integer(0));
      b.pending = rows.number(1);
      b.deferred = rows.number(2);
      b.held = rows.number(3);
      b.dead = rows.number(4);
      b.oldest = rows.maybe_time(5);
      backlogs.push_back(std::move(b));
    }
    std::sort(backlogs.begin(), backlogs.end(),
              [](const auto& a, const auto& b) { return a.destination < b.destination; });
    return backlogs;
  });
}

Result<std::optional<StoredDelivery>> SqliteReader::delivery(DeliverySeq seq) {
  return read([&] { return load_delivery(seq, true); });
}

Result<std::optional<StoredDelivery>> SqliteReader::find_delivery(std::string_view id) {
  return read([&]() -> std::optional<StoredDelivery> {
    const auto parts = decode_ulid(id);
    if (!parts) return std::nullopt;
    auto delivery = load_delivery(parts->sequence, true);
    if (!delivery) return std::nullopt;
    const auto own = decode_ulid(delivery->id);
    if (!own || !is_id_of(*parts, delivery->created_at, own->salt, 1)) return std::nullopt;
    return delivery;
  });
}

Result<std::vector<StoredAttempt>> SqliteReader::attempts(DeliverySeq seq) {
  return read([&] {
    std::vector<StoredAttempt> attempts;
    Rows rows(db(),
              "SELECT number,started_at,took_ms,outcome,status,reason,response FROM attempts WHERE delivery=?1 ORDER "
              "BY number",
              seq);
    while (rows.next()) {
      StoredAttempt a;
      a.delivery = seq;
      a.number = static_cast<int>(rows.integer(0));
      a.started_at = rows.time(1);
      a.took = Millis(rows.integer(2));
      a.outcome = std::string(to_string(static_cast<OutcomeClass>(rows.integer(3))));
      a.status = static_cast<int>(rows.integer(4));
      a.reason = rows.string(5);
      a.response = rows.string(6);
      attempts.push_back(std::move(a));
    }
    return attempts;
  });
}

std::vector<std::int64_t> SqliteReader::destinations() {
  std::vector<std::int64_t> all;
  Rows rows(db(), "SELECT id FROM counters WHERE kind=1");
  while (rows.next()) all.push_back(rows.integer(0));
  return all;
}

void SqliteReader::delivery_candidates(const DeliveryFilter& f, Numbers range,
                                       const std::function<bool(DeliverySeq)>& visit) {
  if (range.first > range.last) return;
  std::vector<DeliverySeq> seqs;
  auto collect = [&](Rows& rows, std::size_t most) {
    for (std::size_t n = 0; n < most && rows.next(); ++n) seqs.push_back(rows.number(0));
  };
  auto visit_all = [&] {
    std::sort(seqs.rbegin(), seqs.rend());
    seqs.erase(std::unique(seqs.begin(), seqs.end()), seqs.end());
    for (auto seq : seqs)
      if (!visit(seq)) return;
  };
  if (f.event) {
    Rows rows(db(),
              "SELECT seq FROM deliveries INDEXED BY deliveries_event WHERE event_seq=?1 AND seq>=?2 AND seq<=?3 ORDER "
              "BY seq DESC",
              *f.event, range.first, range.last);
    collect(rows, rows_looked_at_max);
    return visit_all();
  }
  if (f.chat) {
    for (auto chat : chats_of(f.chat->first, f.chat->second)) {
      Rows rows(
          db(),
          "SELECT d.seq FROM (SELECT DISTINCT id/1024 AS event FROM event_parts INDEXED BY event_parts_chat WHERE "
          "chat=?1 ORDER BY id DESC) e "
          "CROSS JOIN deliveries d INDEXED BY deliveries_event ON d.event_seq=e.event WHERE d.seq>=?2 AND d.seq<=?3",
          chat, range.first, range.last);
      collect(rows, rows_looked_at_max);
    }
    return visit_all();
  }
  auto only = [&](auto&& test) { return !f.states.empty() && std::all_of(f.states.begin(), f.states.end(), test); };
  const bool dead = only([](DeliveryState s) { return s == DeliveryState::dead; }),
             held = only([](DeliveryState s) { return s == DeliveryState::held; });
  const bool open = only([](DeliveryState s) { return is_open(s); });
  // A rule's deliveries among many others may lie far apart; without a rule a page's worth of each destination is
  // enough.
  const std::size_t most =
      f.rule.empty() && f.states.size() <= 1 ? std::min(f.page.limit, page_max) + 1 : rows_looked_at_max;
  if (!f.destination.empty() || dead || held) {
    std::vector<std::int64_t> numbers;
    if (f.destination.empty())
      numbers = destinations();
    else if (auto number = names_.number(db(), f.destination))
      numbers.push_back(*number);
    for (auto number : numbers) {
      if (dead) {
        Rows rows(db(),
                  "SELECT seq FROM deliveries INDEXED BY deliveries_dead WHERE destination=?1 AND state=4 AND seq>=?2 "
                  "AND seq<=?3 ORDER BY seq DESC",
                  number, range.first, range.last);
        collect(rows, f.since || f.until ? rows_looked_at_max : most);
      } else if (held) {
        Rows rows(db(),
                  "SELECT seq FROM deliveries INDEXED BY deliveries_held WHERE destination=?1 AND ambiguous IN (0,1) "
                  "AND state=2 AND seq>=?2 AND seq<=?3",
                  number, range.first, range.last);
        collect(rows, rows_looked_at_max);
      } else if (open) {
        Rows rows(db(),
                  "SELECT seq FROM deliveries INDEXED BY deliveries_open WHERE destination=?1 AND state<3 AND seq>=?2 "
                  "AND seq<=?3 ORDER BY seq DESC",
                  number, range.first, range.last);
        for (std::size_t n = 0; n < rows_looked_at_max && rows.next(); ++n)
          if (!visit(rows.number(0))) return;
      } else {
        Rows rows(db(),
                  "SELECT seq FROM deliveries INDEXED BY deliveries_destination WHERE destination=?1 AND seq>=?2 AND "
                  "seq<=?3 ORDER BY seq DESC",
                  number, range.first, range.last);
        for (std::size_t n = 0; n < rows_looked_at_max && rows.next(); ++n)
          if (!visit(rows.number(0))) return;
      }
    }
    return visit_all();
  }
  Rows rows(db(), "SELECT seq FROM deliveries WHERE seq>=?1 AND seq<=?2 ORDER BY seq DESC", range.first, range.last);
  for (std::size_t n = 0; n < rows_looked_at_max && rows.next(); ++n)
    if (!visit(rows.number(0))) return;
}

Result<std::vector<StoredDelivery>> SqliteReader::list_deliveries(const DeliveryFilter& f) {
  return read([&] {
    std::vector<StoredDelivery> found;
    const auto limit = std::min(f.page.limit, page_max);
    if (limit == 0) return found;
    delivery_candidates(f, numbers_of(1, f.since, f.until, f.page.before), [&](DeliverySeq seq) {
      auto d = load_delivery(seq, false);
      if (!d) return true;
      const bool fits = (f.destination.empty() || d->destination == f.destination) &&
                        (f.rule.empty() || d->rule == f.rule) &&
                        (f.states.empty() || std::find(f.states.begin(), f.states.end(), d->state) != f.states.end()) &&
                        (!f.event || d->event.seq == *f.event) && (!f.since || d->created_at >= *f.since) &&
                        (!f.until || d->created_at <= *f.until);
      if (fits) found.push_back(std::move(*d));
      return found.size() < limit;
    });
    return found;
  });
}

}  // namespace chatrelay::store::sqlite
