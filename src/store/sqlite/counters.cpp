#include "store/sqlite/counters.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace chatrelay::store::sqlite {
namespace {
constexpr int kind_totals = 0, kind_destination = 1, kind_source = 2;
constexpr std::int64_t hour_ms = 3'600'000;
}  // namespace

void Counters::load(Connection& db) {
  for (int next : {int(next_event), int(next_delivery), int(next_pos), int(next_chat)})
    totals_.cells[static_cast<std::size_t>(next)] = 1;
  Rows rows(db, "SELECT kind,id,a,b,c,d,e,f,g FROM counters");
  while (rows.next()) {
    Row row;
    for (int i = 0; i < total_count; ++i) row.cells[static_cast<std::size_t>(i)] = rows.integer(2 + i);
    if (rows.integer(0) == kind_totals) totals_ = row;
    if (rows.integer(0) == kind_destination) destinations_[rows.integer(1)] = row;
    if (rows.integer(0) == kind_source) sources_[rows.integer(1)] = row;
  }
}

void Counters::set(Row& row, std::size_t cell, std::int64_t value) {
  log_.push_back({&row.cells[cell], row.cells[cell]});
  row.cells[cell] = value;
}

void Counters::add(Total which, std::int64_t by) {
  set(totals_, which, totals_.cells[which] + by);
  totals_.dirty = true;
  CHATRELAY_ASSERT(totals_.cells[which] >= 0, "a counter of the store fell below zero");
}

std::uint64_t Counters::take(Total which) {
  auto number = totals_.cells[which];
  add(which, 1);
  return static_cast<std::uint64_t>(number);
}

void Counters::moved(std::int64_t destination, std::optional<DeliveryState> from, std::optional<DeliveryState> to) {
  if (from == to) return;
  auto& row = destinations_[destination];
  if (!row.dirty) {
    row.dirty = true;
    dirty_.emplace_back(kind_destination, destination);
  }
  auto cell = [](DeliveryState s) { return static_cast<std::size_t>(s); };
  if (from) set(row, cell(*from), row.cells[cell(*from)] - 1);
  if (to) set(row, cell(*to), row.cells[cell(*to)] + 1);
  CHATRELAY_ASSERT(!from || row.cells[cell(*from)] >= 0, "a destination's counter fell below zero");
  const int before = from && is_open(*from), after = to && is_open(*to);
  if (before != after) add(open, after - before);
}

void Counters::received(std::int64_t source, WallTime at) {
  auto& row = sources_[source];
  if (row.cells[0] >= to_ms(at)) return;
  if (!row.dirty) {
    row.dirty = true;
    dirty_.emplace_back(kind_source, source);
  }
  set(row, 0, to_ms(at));
}

void Counters::note(Range kind, WallTime at, std::uint64_t number) {
  auto hour = to_ms(at) / hour_ms;
  for (auto& known : hours_) {
    if (known.kind != kind || known.hour != hour) continue;
    known.first = std::min(known.first, number);
    known.last = std::max(known.last, number);
    return;
  }
  hours_.push_back({kind, hour, number, number});
}

void Counters::roll_back(std::size_t mark) {
  while (log_.size() > mark) {
    *log_.back().cell = log_.back().before;
    log_.pop_back();
  }
}

void Counters::write(Connection& db, int kind, std::int64_t id, const Row& row) {
  const auto& c = row.cells;
  db.run(
      "INSERT INTO counters VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT DO UPDATE SET "
      "a=excluded.a,b=excluded.b,c=excluded.c,d=excluded.d,e=excluded.e,f=excluded.f,g=excluded.g",
      kind, id, c[0], c[1], c[2], c[3], c[4], c[5], c[6]);
}

void Counters::flush(Connection& db) {
  if (totals_.dirty) write(db, kind_totals, 0, totals_);
  for (auto [kind, id] : dirty_) write(db, kind, id, kind == kind_destination ? destinations_[id] : sources_[id]);
  for (const auto& hour : hours_)
    db.run(
        "INSERT INTO time_ranges VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET first=min(first,excluded.first), "
        "last=max(last,excluded.last)",
        static_cast<int>(hour.kind), hour.hour, hour.first, hour.last);
}

void Counters::committed() {
  log_.clear();
  hours_.clear();
  totals_.dirty = false;
  for (auto [kind, id] : dirty_) (kind == kind_destination ? destinations_[id] : sources_[id]).dirty = false;
  dirty_.clear();
}

}  // namespace chatrelay::store::sqlite
