#include "systems/rocketchat/endpoints/survey.hpp"

#include <algorithm>

#include "common/json.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

namespace {

bool is_answer(std::string_view name, std::string_view value) {
  if (name == survey_comment) return true;
  return std::ranges::find(survey_questions, name) != std::end(survey_questions) &&
         std::ranges::find(survey_values, value) != std::end(survey_values);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> survey_answers(const json::array& data) {
  std::vector<std::pair<std::string, std::string>> answers;
  for (const json::value& entry : data) {
    const std::string name = strict_string_at(entry, "name").value_or("");
    std::string value = strict_string_at(entry, "value").value_or("");
    if (!is_answer(name, value)) continue;
    const auto given = std::ranges::find(answers, name, &std::pair<std::string, std::string>::first);
    if (given == answers.end())
      answers.emplace_back(name, std::move(value));
    else
      given->second = std::move(value);
  }
  return answers;
}

}  // namespace chatrelay::systems::rocketchat::endpoints
