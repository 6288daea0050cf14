#include "systems/livechat/livechat_rating.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace chatrelay::systems::livechat {

namespace {

constexpr double scale = 1;  // 1 is good, 0 is bad

std::optional<double> score_of(const json::value& holder) {
  if (auto number = number_at(holder, "score")) return number;
  if (auto flag = bool_at(holder, "score")) return *flag ? 1 : 0;
  const auto word = strict_string_at(holder, "score");
  if (!word) return std::nullopt;
  const std::string text = to_lower_ascii(trim(*word));
  if (text == "1" || text == "good" || text == "positive") return 1;
  if (text == "0" || text == "bad" || text == "negative") return 0;
  return std::nullopt;
}

std::optional<RatingChange> change(std::optional<double> score, std::optional<std::string> comment) {
  if (!score && !comment) return std::nullopt;
  const char* what = score && comment ? "score_and_comment" : score ? "score" : "comment";
  return RatingChange{{score, scale, std::move(comment)}, what};
}

// "… rated the chat as good": the text is all that some accounts send.
std::optional<double> score_in_text(const json::value& event) {
  const std::string text = to_lower_ascii(strict_string_at(event, "text").value_or(""));
  const bool good = text.find("good") != std::string::npos, bad = text.find("bad") != std::string::npos;
  if (good == bad) return std::nullopt;
  return good ? 1 : 0;
}

}  // namespace

std::optional<RatingChange> rating_in_properties(const json::object& properties) {
  const json::value* rating = properties.if_contains("rating");
  if (!rating || !rating->is_object()) return std::nullopt;
  const json::value* score = find(*rating, "score");
  if (score && score->is_null()) return RatingChange{{std::nullopt, scale, std::nullopt}, "cancelled"};
  return change(score_of(*rating), strict_string_at(*rating, "comment"));
}

std::optional<RatingChange> rating_removed(const std::vector<std::string>& removed) {
  if (std::find(removed.begin(), removed.end(), "rating.score") != removed.end())
    return RatingChange{{std::nullopt, scale, std::nullopt}, "cancelled"};
  if (std::find(removed.begin(), removed.end(), "rating.comment") != removed.end())
    return RatingChange{{std::nullopt, scale, std::nullopt}, "comment"};
  return std::nullopt;
}

std::optional<RatingChange> rating_in_system_message(const json::value& event) {
  const std::string type = strict_string_at(event, "system_message_type").value_or("");
  if (!type.starts_with("rating.")) return std::nullopt;
  if (type.find("cancel") != std::string::npos) return RatingChange{{std::nullopt, scale, std::nullopt}, "cancelled"};
  const json::value empty = json::object{};
  const json::value* found = find(event, "text_vars");
  const json::value& vars = found ? *found : empty;
  auto score = score_of(vars);
  if (!score && type.ends_with("chat_rated")) score = score_in_text(event);
  return change(score, strict_string_at(vars, "comment"));
}

}  // namespace chatrelay::systems::livechat
