// Deliveries and their lanes.
//
// Invariant: of the open deliveries of a lane exactly the one with the lowest pos has head = 1; closed ones have 0.
#include <algorithm>

#include "store/sqlite/core.hpp"

namespace chatrelay::store::sqlite {
namespace {

constexpr std::int64_t attempts_kept_max = 200;  // Limit: of one delivery; uncharged ones could go on for ever

struct Row {
  DeliverySeq seq = 0;
  std::int64_t destination = 0, lane = 0;
  DeliveryState state = DeliveryState::pending;
  WallTime due_at;
};

std::optional<Row> find(Core& core, DeliverySeq seq) {
  Rows rows(core.db, "SELECT destination,lane,state,due_at FROM deliveries WHERE seq=?1", seq);
  if (!rows.next()) return std::nullopt;
  return Row{seq, rows.integer(0), rows.integer(1), static_cast<DeliveryState>(rows.integer(2)), rows.time(3)};
}

bool lane_is_free(Core& core, std::int64_t lane) {
  Rows rows(core.db, "SELECT 1 FROM deliveries INDEXED BY deliveries_lane WHERE lane=?1 AND state<3 LIMIT 1", lane);
  return !rows.next();
}

void promote(Core& core, std::int64_t lane) {
  std::int64_t seq = 0;
  {
    Rows rows(
        core.db,
        "SELECT seq,head FROM deliveries INDEXED BY deliveries_lane WHERE lane=?1 AND state<3 ORDER BY pos LIMIT 1",
        lane);
    if (!rows.next() || rows.integer(1) == 1) return;
    seq = rows.integer(0);
  }
  core.db.run("UPDATE deliveries SET head=1 WHERE seq=?1", seq);
}

void close(Core& core, const Row& row, DeliveryState state, int charged, std::string_view reason, WallTime at) {
  std::optional<std::string_view> why;
  if (!reason.empty()) why = reason;
  core.db.run("UPDATE deliveries SET state=?2,head=0,attempts=attempts+?3,reason=?4,finished_at=?5 WHERE seq=?1",
              row.seq, static_cast<int>(state), charged, why, at);
  end_details(core, row.seq);
  core.counters.moved(row.destination, row.state, state);
  promote(core, row.lane);
  core.lanes_changed = true;
}

// Closes it, and puts its other way into the end of its own lane. False: it has none (any more).
bool go_other_way(Core& core, const Row& row, DeliveryState state, int charged, const std::string& reason,
                  const std::string& note, WallTime at) {
  std::optional<NewDelivery> next = other_way_of(core, row.seq);
  if (!next) return false;
  EventSeq event = 0;
  {
    Rows rows(core.db, "SELECT event_seq,part,rule FROM deliveries WHERE seq=?1", row.seq);
    if (!rows.next()) return false;
    event = rows.number(0);
    next->part = static_cast<std::uint32_t>(rows.integer(1));
    next->rule = core.names.name(core.db, rows.integer(2));
  }
  close(core, row, state, charged, reason, at);
  const DeliverySeq seq = insert_delivery(core, event, *next, at);
  keep_note(core, seq, note);
  return true;
}

void insert_attempt(Core& core, const AttemptResult& r) {
  std::int64_t number = 1;
  {
    Rows rows(core.db, "SELECT number FROM attempts WHERE delivery=?1 ORDER BY number DESC LIMIT 1", r.delivery);
    if (rows.next()) number = rows.integer(0) + 1;
  }
  core.db.run("INSERT INTO attempts VALUES(?1,?2,?3,?4,?5,?6,?7,?8)", r.delivery, number, r.started_at,
              static_cast<std::int64_t>(r.took.count()), static_cast<int>(r.outcome), r.status, r.reason, r.response);
  if (number > attempts_kept_max)
    core.db.run("DELETE FROM attempts WHERE delivery=?1 AND number=?2", r.delivery, number - attempts_kept_max);
}

// A closed one goes to its lane's end and begins anew; its id, and so its idempotency key, stays (Invariant 5).
void reopen(Core& core, const Row& row, WallTime now) {
  const bool head = lane_is_free(core, row.lane);
  core.db.run(
      "UPDATE deliveries SET "
      "state=0,head=?2,pos=?3,due_at=?4,first_pending_at=?4,attempts=0,ambiguous=0,reason=NULL,finished_at=NULL "
      "WHERE seq=?1",
      row.seq, head, core.counters.take(Counters::next_pos), now);
  core.counters.moved(row.destination, row.state, DeliveryState::pending);
  core.lanes_changed = true;
}

void due_now(Core& core, const Row& row, WallTime now) {
  core.db.run("UPDATE deliveries SET state=0,due_at=?2,first_pending_at=?2,ambiguous=0,reason=NULL WHERE seq=?1",
              row.seq, now);
  core.counters.moved(row.destination, row.state, DeliveryState::pending);
  core.lanes_changed = true;
}

}  // namespace

DeliverySeq insert_delivery(Core& core, EventSeq event, const NewDelivery& d, WallTime now) {
  const auto seq = core.counters.take(Counters::next_delivery);
  const auto pos = core.counters.take(Counters::next_pos);
  const auto destination = core.names.intern(core.db, d.destination);
  const auto lane = static_cast<std::int64_t>(d.lane);
  const bool head = lane_is_free(core, lane);
  core.db.run("INSERT INTO deliveries VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,0,?10,?11,?11,?11,0,0,NULL,NULL)", seq,
              core.salts.next(), event, d.part, core.names.intern(core.db, d.rule), destination,
              core.names.intern(core.db, d.action), lane, pos, head, now);
  core.db.run("INSERT INTO payloads VALUES(?1,?2)", seq, d.payload);
  insert_details(core, seq, d);
  core.counters.moved(destination, std::nullopt, DeliveryState::pending);
  core.counters.note(Counters::Range::deliveries, now, seq);
  core.lanes_changed = true;
  return seq;
}

bool record_attempt(Core& core, const AttemptResult& r) {
  auto row = find(core, r.delivery);
  if (!row) return false;
  insert_attempt(core, r);
  save_links(core, row->destination, r);
  if (r.begun) end_begun(core, r.delivery);
  if (!is_open(row->state)) {
    // Cancelled while under way: the attempt is told, the state stays.
    if (r.charged) core.db.run("UPDATE deliveries SET attempts=attempts+1 WHERE seq=?1", r.delivery);
    return false;
  }
  const auto finished = r.started_at + r.took;
  if (r.other_way && r.state != DeliveryState::delivered) {
    const bool dead = r.state == DeliveryState::dead;
    if (go_other_way(core, *row, dead ? DeliveryState::dead : DeliveryState::cancelled, r.charged, r.other_way->reason,
                     r.other_way->note, finished))
      return true;
  }
  if (!is_open(r.state)) {
    close(core, *row, r.state, r.charged,
          r.state == DeliveryState::delivered ? std::string_view{} : std::string_view(r.reason), finished);
    // An operator may have a dead letter tried again: what its steps did is not done twice then.
    if (r.state == DeliveryState::dead && !r.progress.empty()) keep_progress(core, r.delivery, r.progress);
    return true;
  }
  core.db.run("UPDATE deliveries SET state=?2,due_at=?3,attempts=attempts+?4,ambiguous=?5,reason=?6 WHERE seq=?1",
              r.delivery, static_cast<int>(r.state), r.state == DeliveryState::held ? row->due_at : r.due_at, r.charged,
              r.outcome == OutcomeClass::ambiguous, r.reason);
  keep_progress(core, r.delivery, r.progress);
  core.counters.moved(row->destination, row->state, r.state);
  core.lanes_changed = true;
  return true;
}

bool retry_delivery(Core& core, DeliverySeq delivery, WallTime now) {
  auto row = find(core, delivery);
  if (!row) return false;
  if (!is_open(row->state))
    reopen(core, *row, now);
  else if (row->state == DeliveryState::pending && row->due_at <= now)
    return false;
  else
    due_now(core, *row, now);
  return true;
}

bool cancel_delivery(Core& core, DeliverySeq delivery, const std::string& reason, WallTime now) {
  auto row = find(core, delivery);
  if (!row || !is_open(row->state)) return false;
  close(core, *row, DeliveryState::cancelled, 0, reason, now);
  return true;
}

bool overtake_delivery(Core& core, DeliverySeq delivery, const OtherWay& how, WallTime now) {
  auto row = find(core, delivery);
  if (!row || !is_open(row->state)) return false;
  return go_other_way(core, *row, DeliveryState::cancelled, 0, how.reason, how.note, now);
}

bool render_delivery(Core& core, DeliverySeq delivery, const std::string& payload) {
  if (core.db.run(
          "UPDATE delivery_details SET inputs=NULL WHERE seq=?1 AND inputs IS NOT NULL AND EXISTS(SELECT 1 FROM "
          "deliveries d WHERE d.seq=?1 AND d.state<3)",
          delivery) == 0)
    return false;
  core.db.run("INSERT OR REPLACE INTO payloads VALUES(?1,?2)", delivery, payload);
  return true;
}

std::size_t release_held_some(Core& core, std::int64_t destination, WallTime now, std::size_t limit) {
  std::vector<Row> held;
  {
    Rows rows(core.db,
              "SELECT seq,lane,due_at FROM deliveries INDEXED BY deliveries_held WHERE destination=?1 AND ambiguous=0 "
              "AND state=2 ORDER BY seq LIMIT ?2",
              destination, static_cast<std::uint64_t>(limit));
    while (rows.next())
      held.push_back({rows.number(0), destination, rows.integer(1), DeliveryState::held, rows.time(2)});
  }
  for (const auto& row : held) due_now(core, row, now);
  return held.size();
}

std::vector<DeliverySeq> replay_event(Core& core, EventSeq event, const std::vector<NewDelivery>& deliveries,
                                      bool same_id, WallTime now) {
  std::vector<DeliverySeq> changed;
  std::vector<DeliverySeq> taken;
  for (const auto& d : deliveries) {
    std::optional<DeliverySeq> existing;
    if (same_id) {
      const auto rule = core.names.intern(core.db, d.rule), destination = core.names.intern(core.db, d.destination),
                 action = core.names.intern(core.db, d.action);
      Rows rows(core.db,
                "SELECT seq FROM deliveries INDEXED BY deliveries_event WHERE event_seq=?1 AND part=?2 AND rule=?3 AND "
                "destination=?4 AND action=?5 ORDER BY seq",
                event, d.part, rule, destination, action);
      while (!existing && rows.next())
        if (std::find(taken.begin(), taken.end(), rows.number(0)) == taken.end()) existing = rows.number(0);
    }
    if (!existing) {
      changed.push_back(insert_delivery(core, event, d, now));
      continue;
    }
    taken.push_back(*existing);
    auto row = find(core, *existing);
    if (!row || is_open(row->state)) continue;  // it is on its way already
    core.db.run("INSERT OR REPLACE INTO payloads VALUES(?1,?2)", *existing, d.payload);
    replace_details(core, *existing, d);
    reopen(core, *row, now);
    changed.push_back(*existing);
  }
  return changed;
}

}  // namespace chatrelay::store::sqlite
