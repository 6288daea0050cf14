// What the notations of chat systems and CRMs make of a text, for tests: whether a text in one of them is nothing but
// text, and what a reader sees of it. Written from what the services say of their notations, and independent of
// expression/escape.cpp, whose inverse it is.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "expression/escape.hpp"

namespace chatrelay::destinations::testing {

using expression::Escape;

inline constexpr std::string_view zero_width = "\xe2\x80\x8b";

inline std::string without(std::string_view text, std::string_view what) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t found = std::min(text.find(what, at), text.size());
    out += text.substr(at, found - at);
    at = found + what.size();
  }
  return out;
}

// Of what stands at `at`, if an entity begins there: its length and what it means.
inline std::optional<std::pair<std::size_t, std::string_view>> entity_at(std::string_view text, std::size_t at) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> known{
      {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&#x27;", "'"}}};
  for (const auto& [entity, meaning] : known)
    if (text.substr(at).starts_with(entity)) return std::pair(entity.size(), meaning);
  return std::nullopt;
}

inline std::string without_entities(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (const auto entity = entity_at(text, i)) {
      out += entity->second;
      i += entity->first;
    } else if (text.substr(i).starts_with("<br>")) {
      out += '\n';
      i += 4;
    } else {
      out += text[i++];
    }
  }
  return out;
}

inline std::string without_backslashes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escapes = text[i] == '\\' && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0x80;
    if (escapes && std::string_view("\\`*_{}[]()#+-.!|<>~=@'\"").find(text[i + 1]) != std::string_view::npos) ++i;
    out += text[i];
  }
  return out;
}

// What a reader sees.
inline std::string shown(std::string_view text, Escape escape) {
  switch (escape) {
    case Escape::none:
    case Escape::url:
      return std::string(text);
    case Escape::html:
    case Escape::slack_mrkdwn:
    case Escape::telegram_html:
    case Escape::matrix_html:
      return without_entities(text);
    case Escape::telegram_markdown:
      return without_backslashes(text);
    case Escape::markdown:
      return without(without_backslashes(text), zero_width);
    case Escape::teams_markdown:
      return without(without_entities(without_backslashes(text)), zero_width);
    case Escape::zero_width:
      return without(text, zero_width);
  }
  return std::string(text);
}

namespace markup {

inline std::string around(std::string_view text, std::size_t at) {
  const std::size_t begin = at > 12 ? at - 12 : 0;
  return "at …" + std::string(text.substr(begin, at - begin)) + "⟪" + std::string(text.substr(at, 16)) + "⟫";
}

// Tags, comments and entities that nobody wrote as text.
inline std::string in_html(std::string_view text, bool breaks) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&' && !entity_at(text, i)) return "an entity " + around(text, i);
    if (breaks && text.substr(i).starts_with("<br>")) {
      i += 3;
      continue;
    }
    if (text[i] == '<' || text[i] == '>') return "a tag " + around(text, i);
  }
  return {};
}

inline std::string unescaped(std::string_view text, std::string_view special) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (i + 1 == text.size()) return "a backslash at the end";
      ++i;
    } else if (special.find(text[i]) != std::string_view::npos) {
      return "a mark " + around(text, i);
    }
  }
  return {};
}

// Every underscore that is not within a word of letters and digits; at the ends, where a text was parted, it may have
// been.
inline std::string underscores(std::string_view text) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      continue;
    }
    if (text[i] != '_') continue;
    const bool before = i == 0 || alphanumeric(text[i - 1]);
    const bool after = i + 1 == text.size() || alphanumeric(text[i + 1]) || text.substr(i + 1) == "…";
    if (!before || !after || text.size() == 1) return "a mark " + around(text, i);
  }
  return {};
}

inline bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '*';
}

inline bool names_group(std::string_view text) {
  for (const std::string_view group : {"all", "here", "channel", "everyone", "room", "**all", "**everyone"}) {
    std::string lower(text.substr(0, group.size()));
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (lower == group) return true;
  }
  return false;
}

// @name at the beginning of a word, @everyone anywhere, and Slack's and Discord's <!here>, <@1>, <#1>, <:x:1>, </x:1>,
// <t:1>, <address|words>, <users/all>.
inline std::string mentions(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
      continue;
    }
    const std::string_view after = text.substr(i + 1);
    const bool word_before = i > 0 && (is_letter(text[i - 1]) || static_cast<unsigned char>(text[i - 1]) >= 0x80);
    if (text[i] == '@' && names_group(after)) return "a mention " + around(text, i);
    if (text[i] == '@' && !word_before && !after.empty() && is_letter(after[0])) return "a mention " + around(text, i);
    if (text[i] != '<' || after.empty() || after.starts_with(zero_width)) continue;
    const bool names = after[0] == '@' && !after.substr(1).starts_with(zero_width);
    if (names || std::string_view("!#:/").find(after[0]) != std::string_view::npos || after.starts_with("t:"))
      return "a mention " + around(text, i);
    const std::size_t bar = after.find('|'), end = after.find('>');
    if (bar < end && end != std::string_view::npos) return "a link " + around(text, i);
    if (after.starts_with("users/")) return "a mention " + around(text, i);
  }
  return {};
}

// Headings, quotes, lists, rules; and the commands that begin a message.
inline std::string blocks(std::string_view text) {
  if (text.starts_with('/') || text.starts_with('!')) return "a command";
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t line = text.find_first_not_of(" \t", begin);
    if (line == std::string_view::npos) break;
    if (std::string_view("#>+-=").find(text[line]) != std::string_view::npos) return "a block " + around(text, line);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789", line), text.size());
    if (digits > line && digits < text.size() && (text[digits] == '.' || text[digits] == ')'))
      return "a list " + around(text, line);
    const std::size_t end = text.find_first_of("\r\n", line);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  return {};
}

}  // namespace markup

// Empty if the text, as it is sent, is nothing but text in that notation; else what it would do.
inline std::string what_it_does(std::string_view text, Escape escape) {
  using namespace markup;
  std::string found;
  switch (escape) {
    case Escape::none:
    case Escape::url:
      return {};
    case Escape::html:
    case Escape::slack_mrkdwn:
    case Escape::telegram_html:
      return in_html(text, false);
    case Escape::matrix_html:
      return in_html(text, true);
    case Escape::telegram_markdown:
      return unescaped(text, "_*[]()~`>#+-=|{}.!");
    case Escape::markdown:
    case Escape::teams_markdown:
      if (found = unescaped(text, "`*~[]|"); !found.empty()) return found;
      if (found = underscores(text); !found.empty()) return found;
      if (found = mentions(text); !found.empty()) return found;
      if (found = blocks(text); !found.empty()) return found;
      return escape == Escape::teams_markdown ? in_html(text, false) : found;
    case Escape::zero_width:
      for (std::size_t i = 0; i + 1 < text.size(); ++i)
        if (std::string_view("*_~`<[@!#").find(text[i]) != std::string_view::npos &&
            !text.substr(i + 1).starts_with(zero_width) && text.substr(i + 1) != "…")
          return "a mark " + around(text, i);
      return {};
  }
  return {};
}

}  // namespace chatrelay::destinations::testing
