// Names: sources, types, rules, destinations and actions by number, with a bounded cache. One for the writer (which
// adds names) and one for each reader (which only looks).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/sqlite/database.hpp"

namespace chatrelay::store::sqlite {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class Names {
 public:
  std::int64_t intern(Connection& db, std::string_view name);  // writer only
  std::optional<std::int64_t> number(Connection& db, std::string_view name);
  const std::string& name(Connection& db, std::int64_t number);  // "" if there is none

  // Names that a rolled back transaction had added must be forgotten.
  std::size_t mark() const { return added_.size(); }
  void roll_back(std::size_t mark);
  void committed() { added_.clear(); }

 private:
  void remember(std::string_view name, std::int64_t number);
  static constexpr std::size_t cached_max = 10'000;  // Limit: event types are chosen by senders
  std::unordered_map<std::string, std::int64_t, TextHash, std::equal_to<>> numbers_;
  std::unordered_map<std::int64_t, std::string> names_;
  std::vector<std::string> added_;
};

}  // namespace chatrelay::store::sqlite
