// Compares what an action makes of hostile words with what it makes of harmless ones, for tests: requests of the same
// shape, which differ only where the words stand, and say there what was typed, as text.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/destinations/connector_trial.hpp"
#include "unit/destinations/hostile_texts.hpp"
#include "unit/destinations/markup_check.hpp"

namespace chatrelay::destinations::testing {

// What was typed in one place of `with`, and what is promised of it there.
struct Words {
  std::string harmless, hostile;
  Escape escape = Escape::none;
  const connector::TextLimit* limit = nullptr;
  // A text for people to read: all of it arrives. What is not may be refused, cut or left out, for example a telephone
  // number that is none.
  bool is_prose = false;
  // Where another key of the same action arrives in a notation of its own: what is plain text must be none of it there.
  std::map<std::string, Escape> notations_of_places = {};
  bool is_optional = false;  // may be left out where it is endless: another text says the same
};

inline std::size_t length_of(std::string_view text, connector::TextUnit unit) {
  std::size_t length = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (unit == connector::TextUnit::bytes || (byte & 0xc0) != 0x80) ++length;
    if (unit == connector::TextUnit::utf16 && byte >= 0xf0) ++length;
  }
  return length;
}

// Without what a service or a connector may add or drop: white space, control characters, capitals.
inline std::string bare(const std::string& text) {
  std::string out;
  for (const char c : without(text, zero_width))
    if (static_cast<unsigned char>(c) > ' ') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

inline constexpr std::string_view ellipsis = "…";

inline bool says_all(const std::string& shown_text, const std::string& typed_text) {
  if (!shown_text.ends_with(ellipsis)) return bare(shown_text) == bare(typed_text);
  return bare(typed_text).starts_with(bare(shown_text.substr(0, shown_text.size() - ellipsis.size())));
}

// Nothing but what was typed, in its order; some of it may be missing.
inline bool drawn_from(const std::string& shown_text, const std::string& typed_text, std::string_view but = {}) {
  const std::string from = bare(typed_text);
  std::size_t at = 0;
  for (const char c : bare(shown_text)) {
    if (but.find(c) != std::string_view::npos) continue;
    at = from.find(c, at);
    if (at++ == std::string::npos) return false;
  }
  return true;
}

// A text as its service shows it, in the notations that connectors write it in: the declared one alone, HTML, Markdown,
// a literal of SOQL, one of OData.
enum class Notation { declared, html, markdown, doubled_quotes };
inline std::string read_as(Notation notation, const std::string& text, Escape escape) {
  const std::string declared = shown(text, escape);
  switch (notation) {
    case Notation::declared:
      return declared;
    case Notation::html:
      return without_entities(declared);
    case Notation::markdown:
      return without(without_backslashes(declared), zero_width);
    case Notation::doubled_quotes: {
      std::string single;
      for (std::size_t i = 0; i < declared.size(); ++i) {
        single += declared[i];
        if (std::string_view(declared).substr(i).starts_with("''")) ++i;
      }
      return single;
    }
  }
  return declared;
}
inline constexpr Notation notations[] = {Notation::declared, Notation::html, Notation::markdown,
                                         Notation::doubled_quotes};

// In the notation in which it says what was typed, it must not say more.
inline std::string what_it_does(Notation notation, const std::string& text) {
  if (notation == Notation::html) return markup::in_html(text, true);
  if (notation == Notation::markdown) return markup::unescaped(text, "`*");
  return {};
}

// Does it end the quotation marks that it stands in? In them a mark has a backslash, or is doubled.
inline bool ends_quotation(const std::string& before, const std::string& text, const std::string& after) {
  if (before.empty() || after.empty() || before.back() != after.front()) return false;
  const char mark = after.front();
  if (mark != '\'' && mark != '"') return false;
  const auto ends = [&](char escape) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == escape && i + 1 < text.size() && (escape != mark || text[i + 1] == mark)) {
        ++i;
      } else if (text[i] == mark) {
        return true;
      }
    }
    return false;
  };
  return ends('\\') && ends(mark);
}

// The text of a part around the words: "a X b X" is {"a ", " b ", ""}.
struct Frame {
  std::vector<std::string> around;
  bool whole = false;  // all of the words stand there, not a part of them
};

inline std::optional<Frame> frame_of(const std::string& text, const std::string& words) {
  Frame frame;
  std::size_t at = 0;
  for (std::size_t found; (found = text.find(words, at)) != std::string::npos; at = found + words.size())
    frame.around.push_back(text.substr(at, found - at));
  frame.whole = !frame.around.empty();
  if (frame.whole) {
    frame.around.push_back(text.substr(at));
    return frame;
  }
  const std::size_t begin = std::min(text.find(first_mark), text.find(last_mark));
  if (begin == std::string::npos) {
    if (!text.ends_with(ellipsis) || !words.starts_with(text.substr(0, text.size() - ellipsis.size())))
      return std::nullopt;
    return Frame{{"", ""}, false};
  }
  std::size_t end = begin;
  for (const std::string_view mark : {first_mark, last_mark})
    if (const std::size_t last = text.rfind(mark); last != std::string::npos) end = std::max(end, last + mark.size());
  frame.around = {text.substr(0, begin), text.substr(end)};
  return frame;
}

// What stands in the frame in place of the words; nullopt: the frame is not there, or not the same is in all places.
inline std::optional<std::string> framed(const std::string& text, const Frame& frame) {
  std::size_t fixed = 0;
  for (const std::string& one : frame.around) fixed += one.size();
  const std::size_t places = frame.around.size() - 1;
  if (text.size() < fixed || (text.size() - fixed) % places != 0) return std::nullopt;
  const std::size_t length = (text.size() - fixed) / places;
  const std::string words = text.substr(frame.around[0].size(), length);
  std::string expected = frame.around[0];
  for (std::size_t i = 0; i < places; ++i) expected += words + frame.around[i + 1];
  if (expected != text) return std::nullopt;
  return words;
}

inline bool is_blank(const std::string& text) {
  return bare(text).empty();
}
inline bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

inline bool is_digest(std::string_view text) {
  return (text.size() == 32 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Made of the words, and not showing them: hashes and ids, which differ in their digits alone.
inline bool is_derived(const std::string& calm, const std::string& wild) {
  const auto fixed = [](const std::string& text) {
    std::string out;
    for (const char c : text)
      if (std::string_view("0123456789abcdef-").find(c) == std::string_view::npos) out += c;
    return out;
  };
  return calm.size() == wild.size() && fixed(calm) == fixed(wild);
}

// One attempt with hostile words against one with harmless words. Each function gives "" or what is wrong.
class Comparison {
 public:
  Comparison(const Words& words, std::set<std::string> stand_ins) : words_(words), stand_ins_(std::move(stand_ins)) {}

  std::string requests(const Played& calm, const Played& wild) const {
    if (is_blank(words_.hostile)) return "";  // it is nothing: what carries it may go
    if (calm.sent.size() != wild.sent.size()) return "it changes the number of requests";
    std::string wrong;
    for (std::size_t i = 0; i < calm.sent.size() && wrong.empty(); ++i) wrong = parts(calm.sent[i], wild.sent[i]);
    return wrong;
  }

  std::string parts(const Sent& calm, const Sent& wild) const {
    if (calm.step != wild.step) return "it changes the order of the requests";
    auto at = wild.parts.begin();
    for (const RequestPart& part : calm.parts) {
      if (at == wild.parts.end() || !is_place(part.place, at->place)) {
        const bool is_endless = words_.is_optional && words_.hostile.size() >= endless_bytes;
        if (is_endless || (!words_.is_prose && frame_of(part.text, words_.harmless))) continue;
        return "it changes the shape: " + part.place + " is not there";
      }
      if (const std::string wrong = one(part, *at); !wrong.empty())
        return at->place + ": " + wrong + shown_pair(part, *at);
      ++at;
    }
    return at == wild.parts.end() ? "" : "it changes the shape: " + at->place + " is new";
  }

  // For texts in pieces: collects what they say, field by field, in each notation.
  std::string piece(const Sent& calm, const Sent& wild,
                    std::map<std::pair<std::string, Notation>, std::string>& said) const {
    if (calm.parts.size() != wild.parts.size()) return "it changes the shape";
    for (std::size_t i = 0; i < calm.parts.size(); ++i) {
      const RequestPart &a = calm.parts[i], &b = wild.parts[i];
      if (a.place != b.place) return "it changes the shape: " + b.place + " is new";
      const std::optional<Frame> frame = frame_of(a.text, words_.harmless);
      if (!frame) {
        if (!is_derived(a.text, b.text) && !differ_in_number(a.text, b.text))
          return b.place + " is not its place" + shown_pair(a, b);
        continue;
      }
      const std::optional<std::string> text = framed(b.text, *frame);
      if (!text) return b.place + ": it changes the words around it" + shown_pair(a, b);
      if (const std::string wrong = inert(*text); !wrong.empty()) return b.place + ": " + wrong;
      if (const std::string wrong = inert_at(b.place, *text); !wrong.empty()) return b.place + ": " + wrong;
      const std::string field = b.place.substr(b.place.rfind('/') + 1);
      for (const Notation notation : notations) said[{field, notation}] += read_as(notation, *text, words_.escape);
    }
    return "";
  }

 private:
  static std::string shown_pair(const RequestPart& calm, const RequestPart& wild) {
    return "\n  harmless: " + calm.text.substr(0, 300) + "\n  hostile: " + wild.text.substr(0, 300);
  }
  static bool differ_in_number(const std::string& a, const std::string& b) {
    const auto fixed = [](const std::string& text) {
      std::string out;
      for (const char c : text)
        if (c < '0' || c > '9') out += c;
      return out;
    };
    return fixed(a) == fixed(b);
  }

  // A number that the rule gives may be a part of a key.
  bool is_place(std::string calm, const std::string& wild) const {
    const std::size_t at = calm.find(words_.harmless);
    const bool digits = words_.hostile.find_first_not_of("0123456789") == std::string::npos;
    if (at != std::string::npos && digits) calm.replace(at, words_.harmless.size(), words_.hostile);
    return calm == wild;
  }

  std::string inert(const std::string& text) const {
    if (const std::string does = testing::what_it_does(text, words_.escape); !does.empty())
      return "it is more than text: " + does;
    if (words_.limit == nullptr || length_of(text, words_.limit->unit) <= words_.limit->length) return "";
    for (const Notation notation : notations)
      if (length_of(read_as(notation, text, words_.escape), words_.limit->unit) <= words_.limit->length) return "";
    return "it is longer than it may be";
  }

  std::string inert_at(const std::string& place, const std::string& text) const {
    const auto notation = words_.notations_of_places.find(place);
    if (words_.escape != Escape::none || notation == words_.notations_of_places.end()) return "";
    // Commands and the first line are left out: other words may stand before these.
    const bool html = notation->second == Escape::html || notation->second == Escape::matrix_html;
    const std::string does =
        html ? markup::in_html(text, true) : testing::what_it_does(std::string(zero_width) + text, notation->second);
    return does.empty() ? "" : "it is more than text there: " + does;
  }

  std::string one(const RequestPart& calm, const RequestPart& wild) const {
    if (calm.text == wild.text) return "";
    const bool number = !words_.is_prose && is_number(words_.hostile) && is_number(wild.text);
    const std::optional<Frame> frame = frame_of(calm.text, words_.harmless);
    if (!frame) {
      if ((number && is_number(calm.text)) || is_derived(calm.text, wild.text)) return "";
      return "it changes what is not its own";
    }
    if (number || (!words_.is_prose && is_digest(wild.text))) return "";
    if (!frame->whole) {
      // A date in another form, the first of two names.
      std::string text = wild.text;
      if (text.ends_with(ellipsis)) text.erase(text.size() - ellipsis.size());
      const bool drawn = drawn_from(text, words_.hostile + frame->around[0] + frame->around[1], "0123456789:-+.tz");
      return drawn ? "" : "it says what was not typed";
    }
    const std::optional<std::string> text = framed(wild.text, *frame);
    if (!text) return "it changes the words around it";
    if (ends_quotation(frame->around[0], *text, frame->around[1])) return "it ends the quotation that it stands in";
    if (const std::string wrong = inert(*text); !wrong.empty()) return wrong;
    if (const std::string wrong = inert_at(wild.place, *text); !wrong.empty()) return wrong;
    return says(*text);
  }

  std::string says(std::string text) const {
    for (const Notation notation : notations)
      if (says_all(read_as(notation, text, words_.escape), words_.hostile)) return what_it_does(notation, text);
    if (words_.is_prose) return "it does not say what was typed";
    for (const std::string& one : stand_ins_) text = without(text, one);
    if (text.ends_with(ellipsis)) text.erase(text.size() - ellipsis.size());
    for (const Notation notation : notations)
      if (drawn_from(read_as(notation, text, words_.escape), words_.hostile, "_")) return what_it_does(notation, text);
    return "it says what was not typed";
  }

  const Words& words_;
  std::set<std::string> stand_ins_;  // what the connector writes in place of what must not be there, such as addresses
};

}  // namespace chatrelay::destinations::testing
