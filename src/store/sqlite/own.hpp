// Conversations of our own, read: by the writer's transaction and by readers alike.
//
// Errors: SqlError. Limit: numbers that a caller gives (limit, offset) are cut to what SQLite can count.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "store/sqlite/database.hpp"
#include "store/sqlite/names.hpp"
#include "store/store.hpp"

namespace chatrelay::store::sqlite {

struct OwnTables {
  Connection& db;
  Names& names;

  std::optional<OwnVisitor> visitor(std::string_view source, std::string_view token);
  std::optional<OwnVisitor> visitor(OwnPk pk);
  std::optional<OwnRoom> room(std::string_view source, std::string_view id);
  std::optional<OwnRoom> room(OwnPk pk);
  std::vector<OwnRoom> open_rooms(OwnPk visitor, std::size_t limit);                     // oldest first
  std::vector<OwnRoom> rooms(OwnPk visitor, std::size_t limit);                          // newest first
  std::vector<OwnRoom> rooms(std::string_view source, OwnPk before, std::size_t limit);  // newest first
  std::size_t count_rooms(OwnPk visitor, std::size_t limit);
  std::optional<OwnMessage> message(std::string_view source, std::string_view id);
  std::vector<OwnMessage> messages(const OwnMessageQuery& query);
  std::size_t count_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit);
  std::optional<OwnMessage> oldest_message(OwnPk room, WallTime after, WallTime before);
};

}  // namespace chatrelay::store::sqlite
