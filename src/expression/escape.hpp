// Escapes: how text that people wrote is made harmless in the notation of the place it goes to.
//
// Pure, total, linear. What comes out is shown by the service as what went in, as far as its notation allows; it makes
// no markup, no link with a text of its own, no mention of a group. The rule's own words never come through here.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace chatrelay::expression {

enum class Escape {
  none,  // json needs none: values are put in by structure
  url,
  html,
  slack_mrkdwn,       // & < >: no mention, link or channel without <
  telegram_markdown,  // MarkdownV2
  telegram_html,
  markdown,        // Mattermost, Rocket.Chat, Discord; also @all, @here, @channel, @everyone
  teams_markdown,  // of Adaptive Cards
  matrix_html,     // HTML in which a line break is <br>
  zero_width,      // a zero-width space after marks, for services that know no escape (Google Chat, Live Helper Chat,
                   // Zulip)
};
std::string_view to_string(Escape escape);
std::optional<Escape> escape_from(std::string_view name);

std::string escaped(std::string_view text, Escape escape);
// For what follows where an escaped text was parted within a line: it begins a line now, where marks and commands mean
// something that meant nothing before. At most one character longer, and never where `escape` has no such marks.
std::string continued(std::string_view rest, Escape escape);
// How long that character is; empty where there is none.
std::string_view continuation_mark(Escape escape);

}  // namespace chatrelay::expression
