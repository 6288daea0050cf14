// Retention. Each pass goes over the numbers that can be old enough (time_ranges says which) in small steps: deliveries
// first, then events, then conversations, then those of our own (prune_own.cpp), then links. What stays (it waits, it
// has open deliveries) is looked at once a pass.
#include <algorithm>

#include "store/ids.hpp"
#include "store/sqlite/core.hpp"

namespace chatrelay::store::sqlite {
namespace {
constexpr std::size_t look_per_row =
    4;  // rows looked at for each that may be removed: bounds a step that finds nothing
constexpr int phases = 8;
constexpr std::int64_t hour_ms = 3'600'000;
}  // namespace

std::uint64_t Pruner::bound(Core& core, Counters::Range kind, WallTime before) {
  Rows rows(core.db, "SELECT max(last) FROM time_ranges WHERE kind=?1 AND hour<=?2", static_cast<int>(kind),
            to_ms(before) / hour_ms);
  return rows.next() && !rows.null(0) ? rows.number(0) + 1 : 0;
}

std::size_t Pruner::step(Core& core, const Store::RetentionLimits& before, std::size_t limit, bool& pass_done) {
  pass_done = false;
  if (!phase_begun_) {
    bound_ = bound_of_phase(core, before);
    at_ = 0;
    phase_begun_ = true;
  }
  const auto from = at_;
  std::size_t removed = 0;
  try {
    removed = step_of_phase(core, before, limit);
  } catch (const SqlError&) {
    // What is wrong with one kind must not keep the others for ever: the next step is the next phase's.
    phase_begun_ = false;
    phase_ = (phase_ + 1) % phases;
    throw;
  }
  if (at_ == from && removed == 0) {
    phase_begun_ = false;
    phase_ = (phase_ + 1) % phases;
    pass_done = phase_ == 0;
  }
  return removed;
}

std::uint64_t Pruner::bound_of_phase(Core& core, const Store::RetentionLimits& before) {
  using Range = Counters::Range;
  switch (phase_) {
    case 0:
      return bound(core, Range::deliveries, before.deliveries_before);
    case 1:
      return bound(core, Range::events, before.events_before);
    case 2:
      return bound(core, Range::chats, before.conversations_before);
    case 4:
      return bound(core, Range::own_rooms, before.conversations_before);
    case 6:
      return bound(core, Range::own_visitors, before.conversations_before);
    case 7:
      return bound(core, Range::links, before.conversations_before);
    default:
      return 0;  // it has a list of what is to go
  }
}

std::size_t Pruner::step_of_phase(Core& core, const Store::RetentionLimits& before, std::size_t limit) {
  switch (phase_) {
    case 0:
      return deliveries(core, before.deliveries_before, limit);
    case 1:
      return events(core, before.events_before, limit);
    case 2:
      return chats(core, before.conversations_before, limit);
    case 3:
      return rooms_of_gone_visitors(core, limit);
    case 4:
      return own_rooms(core, before.conversations_before, limit);
    case 5:
      return messages_of_gone_rooms(core, limit);
    case 6:
      return own_visitors(core, before.conversations_before, limit);
    default:
      return links(core, before.conversations_before, limit);
  }
}

std::size_t Pruner::deliveries(Core& core, WallTime before, std::size_t limit) {
  struct Old {
    std::int64_t seq, destination;
    DeliveryState state;
  };
  std::vector<Old> old;
  {
    Rows rows(core.db,
              "SELECT seq,destination,state,finished_at FROM deliveries WHERE seq>?1 AND seq<?2 ORDER BY seq LIMIT ?3",
              at_, bound_, static_cast<std::uint64_t>(limit * look_per_row));
    while (old.size() < limit && rows.next()) {
      at_ = rows.integer(0);
      const auto state = static_cast<DeliveryState>(rows.integer(2));
      if (!is_open(state) && !rows.null(3) && rows.time(3) < before) old.push_back({at_, rows.integer(1), state});
    }
  }
  for (const auto& row : old) {
    core.db.run("DELETE FROM attempts WHERE delivery=?1", row.seq);
    core.db.run("DELETE FROM payloads WHERE seq=?1", row.seq);
    core.db.run("DELETE FROM delivery_details WHERE seq=?1", row.seq);
    core.db.run("DELETE FROM deliveries WHERE seq=?1", row.seq);
    core.counters.moved(row.destination, row.state, std::nullopt);
  }
  return old.size();
}

std::size_t Pruner::events(Core& core, WallTime before, std::size_t limit) {
  std::vector<std::int64_t> old;
  {
    Rows rows(core.db,
              "SELECT seq,received_at,EXISTS(SELECT 1 FROM unplanned u WHERE u.seq=e.seq) OR EXISTS(SELECT 1 FROM "
              "deliveries d WHERE d.event_seq=e.seq "
              "AND +d.state<3) FROM events e WHERE seq>?1 AND seq<?2 ORDER BY seq LIMIT ?3",
              at_, bound_, static_cast<std::uint64_t>(limit * look_per_row));
    while (old.size() < limit && rows.next()) {
      at_ = rows.integer(0);
      if (rows.time(1) < before && rows.integer(2) == 0) old.push_back(at_);
    }
  }
  for (auto seq : old) {
    core.db.run("DELETE FROM event_parts WHERE id>=?1 AND id<?2", seq * std::int64_t{parts_max},
                (seq + 1) * std::int64_t{parts_max});
    core.db.run("DELETE FROM rule_failures WHERE seq=?1", seq);
    core.db.run("DELETE FROM events WHERE seq=?1", seq);
    core.counters.add(Counters::events, -1);
  }
  return old.size();
}

std::size_t Pruner::chats(Core& core, WallTime before, std::size_t limit) {
  struct Old {
    std::int64_t pk;
    bool known, named;
  };
  std::vector<Old> old;
  {
    Rows rows(core.db,
              "SELECT pk,known,active_at,EXISTS(SELECT 1 FROM event_parts p WHERE p.chat=c.pk) FROM chats c WHERE "
              "pk>?1 AND pk<?2 ORDER BY pk LIMIT ?3",
              at_, bound_, static_cast<std::uint64_t>(limit * look_per_row));
    while (old.size() < limit && rows.next()) {
      const bool known = rows.integer(1) != 0, named = rows.integer(3) != 0;
      if (rows.time(2) < before && (known || !named)) old.push_back({rows.integer(0), known, named});
      at_ = rows.integer(0);
    }
  }
  std::size_t removed = 0;
  for (const auto& chat : old) {
    // A long chat goes in several steps; it stays in this place of the pass until it is gone.
    const int messages = core.db.run(
        "DELETE FROM messages WHERE chat=?1 AND n IN (SELECT n FROM messages WHERE chat=?1 ORDER BY n LIMIT ?2)",
        chat.pk, static_cast<std::uint64_t>(limit));
    removed += static_cast<std::size_t>(messages) + 1;
    if (static_cast<std::size_t>(messages) == limit) {
      at_ = chat.pk - 1;
      return removed;
    }
    core.db.run("DELETE FROM message_versions WHERE chat=?1", chat.pk);
    // While events still name the chat its number stays, and nothing else of it.
    if (!chat.named)
      core.db.run("DELETE FROM chats WHERE pk=?1", chat.pk);
    else
      core.db.run(
          "UPDATE chats SET "
          "known=0,visitor_id='',visitor_name='',visitor_email='',status='',thread_id='',started_at=NULL,messages=0,"
          "state='' "
          "WHERE pk=?1",
          chat.pk);
    if (removed >= limit) {
      at_ = chat.pk;
      return removed;
    }
  }
  return removed;
}

}  // namespace chatrelay::store::sqlite
