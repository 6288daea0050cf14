// LiveChat tells of a rating twice: as a property of the thread, and as a system message. Both become an event of type
// chat_rated; folding leaves out the one that says nothing new.
#pragma once

#include <optional>

#include "common/json.hpp"
#include "event/event.hpp"

namespace chatrelay::systems::livechat {

// What a change of properties, or a system message, says about the rating. Each tells only what changed:
// activity.rated is "score", "comment", "score_and_comment", or "cancelled" (score null).
struct RatingChange {
  Rating rating;
  std::string what;
};

std::optional<RatingChange> rating_in_properties(const json::object& properties);
std::optional<RatingChange> rating_removed(const std::vector<std::string>& removed);
std::optional<RatingChange> rating_in_system_message(const json::value& event);

}  // namespace chatrelay::systems::livechat
