// The survey that a visitor answers after a chat. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace chatrelay::systems::rocketchat::endpoints {

namespace json = boost::json;

// "agentResposiveness" is Rocket.Chat's spelling.
inline constexpr std::string_view survey_questions[] = {"satisfaction", "agentKnowledge", "agentResposiveness",
                                                        "agentFriendliness"};
inline constexpr std::string_view survey_values[] = {"1", "2", "3", "4", "5"};
inline constexpr std::string_view survey_comment = "additionalFeedback";  // any text

// Of a checked list of {name, value}: what answers a question of ours, each question once (its last answer). Everything
// else is left out; an empty result means that nothing was answered.
std::vector<std::pair<std::string, std::string>> survey_answers(const json::array& data);

}  // namespace chatrelay::systems::rocketchat::endpoints
