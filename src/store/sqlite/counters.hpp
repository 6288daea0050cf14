// Counters: totals, backlogs and next numbers in the writer's memory, written in the transaction that changes them, so
// that no start and no listing counts rows. Also the hours of wall time and the numbers they hold.
//
// Invariant: after a commit the counters table equals a recount. Changes are logged so that a savepoint or a
// transaction that rolls back takes its changes along.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "event/delivery.hpp"
#include "store/sqlite/database.hpp"

namespace chatrelay::store::sqlite {

class Counters {
 public:
  enum Total { events, unplanned, open, next_event, next_delivery, next_pos, next_chat, total_count };
  enum class Range : int { events = 0, deliveries = 1, chats = 2, own_rooms = 3, own_visitors = 4, links = 5 };
  static constexpr int state_count = 6;

  void load(Connection& db);
  std::int64_t total(Total which) const { return totals_.cells[which]; }
  void add(Total which, std::int64_t by);
  std::uint64_t take(Total which);  // the next number
  // A delivery came into being (from: nullopt), changed, or was removed (to: nullopt).
  void moved(std::int64_t destination, std::optional<DeliveryState> from, std::optional<DeliveryState> to);
  void received(std::int64_t source, WallTime at);
  void note(Range kind, WallTime at, std::uint64_t number);

  std::size_t mark() const { return log_.size(); }
  void roll_back(std::size_t mark);  // hours stay too wide by what is rolled back, which is harmless
  void roll_back_all() {
    roll_back(0);
    hours_.clear();
  }
  void flush(Connection& db);  // before COMMIT
  void committed();

 private:
  struct Row {
    std::array<std::int64_t, total_count> cells{};
    bool dirty = false;
  };
  struct Change {
    std::int64_t* cell;
    std::int64_t before;
  };
  struct Hour {
    Range kind;
    std::int64_t hour;
    std::uint64_t first, last;
  };
  void set(Row& row, std::size_t cell, std::int64_t value);
  void write(Connection& db, int kind, std::int64_t id, const Row& row);
  Row totals_;
  std::unordered_map<std::int64_t, Row> destinations_;  // nodes stay where they are: the log points into them
  std::unordered_map<std::int64_t, Row> sources_;
  std::vector<Hour> hours_;  // touched since the last flush
  std::vector<Change> log_;
  std::vector<std::pair<int, std::int64_t>> dirty_;  // kind, id; totals are always written
};

}  // namespace chatrelay::store::sqlite
