// Conversations of our own in memory. Simple, not fast: what is not found by its number is looked for among all.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace chatrelay::store::memory {

struct OwnTables {
  std::map<OwnPk, OwnVisitor> visitors;
  std::map<OwnPk, OwnRoom> rooms;
  struct RoomMessages {
    std::string source;  // of its room, which retention takes first
    std::map<WallTime, OwnMessage> by_time;
  };
  std::map<OwnPk, RoomMessages> messages;  // by room
  std::set<OwnPk> gone_visitors;           // whose rooms wait for retention
  // Never given twice, also when what had them is gone.
  OwnPk next_visitor = 1, next_room = 1;

  const OwnVisitor* visitor(std::string_view source, std::string_view token) const;
  const OwnRoom* room(std::string_view source, std::string_view id) const;
  const OwnMessage* message(std::string_view source, std::string_view id) const;
  std::vector<OwnRoom> open_rooms(OwnPk visitor, std::size_t limit) const;
  std::vector<OwnRoom> rooms_of(OwnPk visitor, std::size_t limit) const;  // newest first
  std::vector<OwnRoom> rooms_of(std::string_view source, OwnPk before, std::size_t limit) const;
  std::vector<OwnMessage> messages_of(const OwnMessageQuery& query) const;
  std::size_t count_messages(OwnPk room, WallTime after, WallTime before, std::size_t limit,
                             std::optional<OwnMessage>* oldest) const;
  // Retention; the number removed.
  std::size_t prune(WallTime before, std::size_t limit);

 private:
  bool has_rooms(OwnPk visitor) const;
};

}  // namespace chatrelay::store::memory
