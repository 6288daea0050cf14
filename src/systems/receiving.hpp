// What several systems need to receive: taking a secret's bytes out of a body, comparing with a list of secrets, and
// the event that keeps a payload which could not be understood. Knows no system.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/secret.hpp"
#include "config/node.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems {

// Limit: a secret shorter than this could not be taken out of a body without blanking ordinary text.
inline constexpr std::size_t secret_bytes_min = 4;
// How long the same bytes count as a sender's retry. Retries come within about a minute of the first try.
inline constexpr Millis body_window = std::chrono::minutes(2);
// How long an id that the payload carries names the same thing.
inline constexpr Millis natural_window = std::chrono::hours(24);

// Reads a secret or a list of them; every empty or too short one is a problem. Adds a problem if there is none.
std::vector<Secret> read_secrets(const config::Node& node);

// Compares with all of them, whatever the first comparisons say: time tells nothing about which one matched.
bool matches_any(const std::vector<Secret>& secrets, std::string_view candidate);

// The body without the secrets' bytes: also where JSON escapes (\u0041, \/) or percent-encoding spell them differently.
// Invariant 8. What is replaced becomes "[secret]", so that a JSON string stays one.
std::string without_secret_bytes(std::string body, const std::vector<Secret>& secrets);

Verdict reject(int status, RejectReason reason, std::string message);

// An authentic webhook that cannot be decoded: type invalid_payload, the text as raw, the reason in activity.error.
Event undecodable(const StoredWebhook& webhook, std::string reason);

// An event that chatrelay itself told of a chat of this source (event/served_event.hpp: what our endpoints serve, an
// ending by silence); nullopt: it is a sender's webhook. A decoder asks it first. No sender's webhook gets here: an
// admission never keeps a sender's content type as it came.
std::optional<Event> event_of_ours(const StoredWebhook& webhook);

// What a decoder makes of a webhook, one event or several, as numbered parts; one that is ours is not its business.
template <class Decode>
std::vector<Event> decoded(const StoredWebhook& webhook, std::string_view system, Decode decode) {
  std::vector<Event> events;
  if (auto ours = event_of_ours(webhook))
    events.push_back(std::move(*ours));
  else if constexpr (std::is_same_v<std::invoke_result_t<Decode>, Event>)
    events.push_back(decode());
  else
    events = decode();
  number_parts(events, webhook, system);
  return events;
}

// Whether a text can be the id of one of our deliveries, or of a piece of one ("01J…", "01J…-2"), made between `now`
// and `own_id_age_max` before it. It proves nothing to somebody who wants to be taken for us: only something that is
// not a stranger's word may be dropped for it.
inline constexpr Millis own_id_age_max = std::chrono::days(30);
bool can_be_own_id(std::string_view text, WallTime now);

// RFC 3339 text; what LiveChat and others write for "never" (the epoch itself, in any zone) is not a time.
std::optional<WallTime> meaningful_time(std::string_view text);
std::optional<WallTime> meaningful_time_at(const json::value& value, std::string_view key);

}  // namespace chatrelay::systems
