#include "conversations/echoes.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "common/crypto.hpp"
#include "common/text.hpp"

namespace chatrelay::conversations {

namespace {

constexpr std::size_t heard_bytes_max = 256;
constexpr std::size_t label_bytes_max = 64;
constexpr std::size_t labels_max = 20;
constexpr std::string_view decoration = "> *_~`\"'\t\r\n";

std::string_view undecorated(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(decoration);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(decoration) - begin + 1);
}

// "Ann: hello" and "Ann:\nhello" without the label; a text that is nothing but labels stays.
std::string_view without_label(std::string_view text) {
  const std::size_t colon = text.substr(0, label_bytes_max).find_first_of(":\n");
  if (colon == std::string_view::npos || text[colon] != ':' || colon == 0) return text;
  std::string_view rest = text.substr(colon + 1);
  while (!rest.empty() && (rest.front() == '*' || rest.front() == '_')) rest.remove_prefix(1);  // "*Ann:* hello"
  if (rest.empty() || (rest.front() != ' ' && rest.front() != '\n' && rest.front() != '\r')) return text;
  rest = undecorated(rest);
  return rest.empty() ? text : rest;
}

}  // namespace

std::string heard_text(std::string_view text) {
  text = undecorated(text);
  for (std::size_t i = 0; i < labels_max; ++i) {
    const std::string_view rest = without_label(text);
    if (rest.size() == text.size()) break;
    text = rest;
  }
  std::string heard;
  heard.reserve(text.size());
  for (const char c : to_lower_ascii(text)) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!space)
      heard += c;
    else if (!heard.empty() && heard.back() != ' ')
      heard += ' ';
  }
  if (heard.size() <= heard_bytes_max) return heard;
  return hex_encode(sha256(heard));
}

Echoes::Text& Echoes::remembered(std::string heard) {
  if (const auto found = index_.find(heard); found != index_.end()) {
    texts_.splice(texts_.begin(), texts_, found->second);
    return texts_.front();
  }
  if (texts_.size() >= limits_.texts_max) {
    index_.erase(texts_.back().heard);
    texts_.pop_back();
  }
  texts_.emplace_front();
  texts_.front().heard = std::move(heard);
  index_.emplace(texts_.front().heard, texts_.begin());
  return texts_.front();
}

Echoes::Trace Echoes::trace_of(const Way& way) {
  const std::array<std::string_view, 3> parts{way.source, way.chat, way.destination};
  const std::span<const std::string_view> all(parts);
  return {hash128(all).high, hash128(all.first(2)).high, hash128(all.first(1)).high};
}

bool Echoes::is_loop(const Way& of, std::string_view text, WallTime at) {
  if (of.chat.empty()) return false;
  const Trace way = trace_of(of);
  std::string heard = heard_text(text);
  if (heard.empty()) return false;
  Text& known = remembered(std::move(heard));
  std::erase_if(known.turns, [&](const Turns& turns) {  // it was quiet long enough
    if (turns.last != way && turns.other != way) return false;
    const Trace& other = turns.last == way ? turns.other : turns.last;
    const Millis gap = other.source == way.source ? limits_.gap_max_in_source : limits_.gap_max;
    const auto pass =
        std::find_if(known.passes.begin(), known.passes.end(), [&](const Pass& one) { return one.way == turns.last; });
    return pass == known.passes.end() || at - pass->at > gap;
  });
  const bool loops = std::any_of(known.turns.begin(), known.turns.end(), [&](const Turns& turns) {
    const bool same = turns.last.source == turns.other.source;
    return turns.other == way && turns.count >= (same ? limits_.turns_max_in_source : limits_.turns_max);
  });
  if (!loops) pass(known, way, at);
  return loops;
}

void Echoes::pass(Text& text, const Trace& way, WallTime at) const {
  for (const Pass& other : text.passes) {
    if (other.way.chat == way.chat) continue;
    const Millis gap = other.way.source == way.source ? limits_.gap_max_in_source : limits_.gap_max;
    if (at - other.at > gap) continue;
    const auto turns = std::find_if(text.turns.begin(), text.turns.end(), [&](const Turns& one) {
      return (one.last == other.way && one.other == way) || (one.last == way && one.other == other.way);
    });
    if (turns == text.turns.end()) {
      text.turns.push_back(Turns{way, other.way, 2});
    } else if (turns->last != way) {
      std::swap(turns->last, turns->other);
      ++turns->count;
    }
  }
  std::erase_if(text.passes, [&](const Pass& one) { return one.way == way; });
  if (text.passes.size() >= limits_.ways_max) {
    const Trace gone = text.passes.front().way;
    text.passes.erase(text.passes.begin());
    std::erase_if(text.turns, [&](const Turns& turns) { return turns.last == gone || turns.other == gone; });
  }
  text.passes.push_back(Pass{way, at});
}

}  // namespace chatrelay::conversations
