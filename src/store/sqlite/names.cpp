#include "store/sqlite/names.hpp"

namespace chatrelay::store::sqlite {

void Names::remember(std::string_view name, std::int64_t number) {
  if (numbers_.size() >= cached_max) numbers_.clear();
  if (names_.size() >= cached_max) names_.clear();
  numbers_.emplace(name, number);
  names_.emplace(number, name);
}

std::optional<std::int64_t> Names::number(Connection& db, std::string_view name) {
  if (auto found = numbers_.find(name); found != numbers_.end()) return found->second;
  Rows rows(db, "SELECT id FROM names WHERE name=?1", name);
  if (!rows.next()) return std::nullopt;
  remember(name, rows.integer(0));
  return rows.integer(0);
}

std::int64_t Names::intern(Connection& db, std::string_view name) {
  if (auto known = number(db, name)) return *known;
  db.run("INSERT INTO names(name) VALUES(?1)", name);
  auto id = sqlite3_last_insert_rowid(db.raw());
  remember(name, id);
  added_.emplace_back(name);
  return id;
}

const std::string& Names::name(Connection& db, std::int64_t number) {
  static const std::string none;
  if (auto found = names_.find(number); found != names_.end()) return found->second;
  Rows rows(db, "SELECT name FROM names WHERE id=?1", number);
  if (!rows.next()) return none;
  remember(rows.text(0), number);
  return names_.find(number)->second;
}

void Names::roll_back(std::size_t mark) {
  while (added_.size() > mark) {
    if (auto found = numbers_.find(added_.back()); found != numbers_.end()) {
      names_.erase(found->second);
      numbers_.erase(found);
    }
    added_.pop_back();
  }
}

}  // namespace chatrelay::store::sqlite
