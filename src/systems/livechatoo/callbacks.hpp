// What the bridge tells: the ten callbacks of Livechatoo and chatrelay.track. Names and limits that the accept path and
// the decoder share.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "event/event.hpp"

namespace chatrelay::systems::livechatoo {

enum class Callback {
  load,
  change,
  chat_start,
  chat_opened,
  chat_rating,
  offline_message,
  trigger,
  name_required,
  email_required,
  phone_required,
  conversion,
  unknown
};

// "onchatstart"; "conversion" for chatrelay.track.
Callback callback_of(std::string_view name);

// Limit: 64 KiB is what a browser lets a page send while it leaves.
inline constexpr std::size_t body_bytes_max = 64 << 10;
inline constexpr std::size_t depth_max = 16;
inline constexpr std::size_t id_bytes_max = 64;
inline constexpr std::size_t line_bytes_max = 300;    // a name, an address, a title
inline constexpr std::size_t text_bytes_max = 32768;  // a message, a comment
inline constexpr std::size_t url_bytes_max = 4096;
inline constexpr std::size_t list_max = 50;

// Text that says something, as one value: a string or a number, cut to `bytes_max`, without the control characters
// that no form lets a visitor type. "" counts as missing.
std::optional<std::string> text_of(const json::value& object, std::string_view key, std::size_t bytes_max);

// A ticket as text: letters, digits, '-', '_' and '.', at most id_bytes_max. What looks otherwise is none.
std::optional<std::string> ticket_of(const json::value& object);

// The bridge's own ids: 32 hexadecimal digits. nullopt for anything else.
std::optional<std::string> made_id_of(const json::value& object, std::string_view key);

}  // namespace chatrelay::systems::livechatoo
