#include "systems/livehelperchat/livehelperchat_credentials.hpp"

#include <algorithm>
#include <array>

namespace chatrelay::systems::livehelperchat {

namespace {

constexpr std::string_view replacement = "[secret]";
constexpr std::size_t chat_hash_chars = 40;
constexpr std::size_t hashes_max = 16;

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::size_t word_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_alnum(text[at])) ++at;
  return at;
}

void remember(std::vector<std::string>& hashes, std::string_view hash) {
  if (hashes.size() < hashes_max && std::find(hashes.begin(), hashes.end(), hash) == hashes.end())
    hashes.emplace_back(hash);
}

// One spelling of a quotation mark with what else is spelled that way.
struct Spelling {
  std::string_view quote, colon;
  bool in_json;  // may stand in a well-formed text, that is within a string
};
// From long to short: the last one is found inside the others.
constexpr std::array spellings{
    Spelling{"\\\\\\\"", ":", true}, Spelling{"\\u0022", ":", true}, Spelling{"%22", "%3A", true},
    Spelling{"%22", "%3a", true},    Spelling{"\\\"", ":", true},    Spelling{"\"", ":", false},
};

std::size_t skip_space(std::string_view text, std::size_t at) {
  for (;;) {
    if (at < text.size() &&
        (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n' || text[at] == '+'))
      ++at;
    else if (text.substr(at, 3) == "%20")
      at += 3;
    else
      return at;
  }
}

struct Range {
  std::size_t begin = 0, end = 0;
};

// The value of a quoted member whose name begins at `at`; an empty range if there is none.
Range quoted_value(std::string_view text, std::size_t at, std::string_view name, bool is_json) {
  for (const Spelling& spelling : spellings) {
    const std::string_view quote = spelling.quote;
    if ((is_json && !spelling.in_json) || at < quote.size() || text.substr(at - quote.size(), quote.size()) != quote)
      continue;
    std::size_t next = at + name.size();
    if (text.substr(next, quote.size()) != quote) continue;
    next = skip_space(text, next + quote.size());
    if (text.substr(next, spelling.colon.size()) != spelling.colon) continue;
    next = skip_space(text, next + spelling.colon.size());
    if (text.substr(next, quote.size()) != quote) continue;
    const std::size_t begin = next + quote.size();
    const std::size_t end = text.find(quote, begin);
    if (end == std::string_view::npos || end == begin) return {};
    // A bare quotation mark ends the string that the spelled ones stand in.
    if (quote != "\"" && text.substr(begin, end - begin).find('"') != std::string_view::npos) return {};
    return {begin, end};
  }
  return {};
}

// What stands between the word `hash` and the value, in a member, a form, or a path like /(hash)/….
std::size_t skip_separators(std::string_view text, std::size_t at) {
  constexpr std::size_t separators_max = 24;
  const std::size_t limit = std::min(text.size(), at + separators_max);
  while (at < limit) {
    if (text[at] == '%' && at + 2 < text.size())
      at += 3;
    else if (text.substr(at, 4) == "\\u00" && at + 5 < text.size())
      at += 6;
    else if (std::string_view("\"'\\:=/)]> \t\r\n+").find(text[at]) != std::string_view::npos)
      ++at;
    else
      break;
  }
  return at;
}

Range hash_after_word(std::string_view text, std::size_t word) {
  const std::size_t begin = skip_separators(text, word + 4);
  if (begin == word + 4) return {};
  const std::size_t end = word_end(text.substr(0, begin + chat_hash_chars + 1), begin);
  return is_chat_hash(text.substr(begin, end - begin)) ? Range{begin, end} : Range{};
}

Range credential_at(std::string_view text, std::size_t at, bool is_json) {
  for (const std::string& name : credential_members()) {
    if (text.substr(at, name.size()) != name) continue;
    if (const Range value = quoted_value(text, at, name, is_json); value.end > 0) return value;
  }
  return text.substr(at, 4) == "hash" ? hash_after_word(text, at) : Range{};
}

// A copy is made only if there is something to leave out.
template <class Find>
std::string without(std::string text, Find find) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Range range = find(std::string_view(text), at);
    if (range.end == 0) {
      ++at;
      continue;
    }
    out.append(text, copied, range.begin - copied).append(replacement);
    copied = at = range.end;
  }
  if (copied == 0) return text;
  return out.append(text, copied, std::string::npos);
}

}  // namespace

const std::vector<std::string>& credential_members() {
  static const std::vector<std::string> names{"hash", "vid", "password", "session_id", "session_token", "api_key"};
  return names;
}

bool is_credential(std::string_view member) {
  const auto& names = credential_members();
  return std::find(names.begin(), names.end(), member) != names.end();
}

bool is_chat_hash(std::string_view word) {
  return word.size() == chat_hash_chars && std::all_of(word.begin(), word.end(), is_alnum) &&
         std::any_of(word.begin(), word.end(), [](char c) { return c > '9' && c != 'e' && c != 'E'; });
}

std::vector<std::string> chat_hashes_in(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = word_end(text, at);
    const std::string_view word = text.substr(at, end - at);
    if (is_chat_hash(word)) remember(out, word);
    at = std::max(end, at + 1);
  }
  return out;
}

std::string without_credentials(std::string text, std::vector<std::string> known, bool is_json) {
  text = without(std::move(text), [&](std::string_view all, std::size_t at) -> Range {
    // Only these letters begin a name: nearly every byte is passed at once.
    const char c = all[at];
    if (c != 'h' && c != 'v' && c != 'p' && c != 's' && c != 'a') return {};
    const Range range = credential_at(all, at, is_json);
    if (const auto word = all.substr(range.begin, range.end - range.begin); is_chat_hash(word)) remember(known, word);
    return range;
  });
  for (const std::string& hash : known)
    text = without(std::move(text), [&](std::string_view all, std::size_t at) {
      return all[at] == hash.front() && all.substr(at, hash.size()) == hash ? Range{at, at + hash.size()} : Range{};
    });
  return text;
}

}  // namespace chatrelay::systems::livehelperchat
