// What the store keeps of a visitor, a room and a message of ours, as JSON, and back. Only what is known is written;
// a missing or strange member counts as unknown. The limits of what is kept are here, and the store's lookups are not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "conversations/merge.hpp"
#include "conversations/rooms.hpp"

namespace chatrelay::conversations {

inline constexpr std::size_t name_bytes_max = 1024;           // Limit: a name, an address, a number, a status
inline constexpr std::size_t message_bytes_max = 256 * 1024;  // Limit: a message; sources set a lower one of their own
inline constexpr std::size_t custom_bytes_max = 32 * 1024;    // Limit: a visitor's custom fields, as JSON text
inline constexpr std::size_t survey_bytes_max = 32 * 1024;    // Limit: a room's answers: they are in the room's record
inline constexpr std::size_t survey_answers_max = 50;         // Limit: of a room
inline constexpr std::size_t deleted_ids_max = 50;            // Limit: of a room; folding forgets earlier
inline constexpr std::size_t bulk_texts_max = 1000;           // Limit: of one command: it is one transaction
inline constexpr int custom_depth_max = 8;                    // Limit: nesting of a custom field
inline constexpr int raw_depth_max = 64;                      // Limit: below json_depth_max with the event around it

// Valid UTF-8, cut at its limit.
std::string kept(std::string_view text, std::size_t bytes_max);
std::optional<std::string> kept_if(const std::optional<std::string>& text, std::size_t bytes_max);
// No deeper than this; says nothing about its texts.
bool is_shallow(const json::value& value, int depth_max);
// With valid texts; nullopt if it is nested too deep.
std::optional<json::value> kept_custom(const json::value& value);

// A room as commands change it: what others may see, and what only commands look at.
struct RoomState {
  RoomView view;
  json::object survey;                   // name -> answer, as told last
  std::vector<std::string> deleted_ids;  // that clients had chosen: not given again
};

RoomState room_state(const store::OwnRoom& room);

store::OwnVisitor stored(const VisitorView& visitor, const std::string& source);
store::OwnRoom stored(const RoomState& room, const std::string& source);
store::OwnMessage stored(const MessageView& message, store::OwnPk room);

// What a visitor is called who did not say.
std::string guest_name(store::OwnPk visitor);

}  // namespace chatrelay::conversations
