#include "systems/livehelperchat/livehelperchat_admit.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "systems/livehelperchat/livehelperchat_body.hpp"
#include "systems/livehelperchat/livehelperchat_events.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::livehelperchat {

namespace {

// A message without an id: only the bytes can tell that two events bring the same one, and they come together. Longer,
// and a visitor's second "yes" would be lost.
constexpr Millis message_window = std::chrono::seconds(5);

// "Bearer x" and "Basic x", the ways that Live Helper Chat's REST API actions know; else the header's whole value. Of
// Basic the password counts.
std::string shown_in_header(std::string_view value) {
  value = trim(value);
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos) return std::string(value);
  const std::string_view scheme = value.substr(0, space), rest = trim(value.substr(space));
  if (iequals_ascii(scheme, "Bearer")) return std::string(rest);
  if (!iequals_ascii(scheme, "Basic")) return std::string(value);
  const auto decoded = base64_decode(rest);
  const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
  return colon == std::string::npos ? "" : decoded->substr(colon + 1);
}

bool brings_message(Kind kind) {
  return kind == Kind::message || kind == Kind::message_edited || kind == Kind::message_removed || kind == Kind::other;
}

}  // namespace

bool is_own(const OwnNames& own, const Parts& parts) {
  const EventName event = event_named(parts.event, true);
  if (!parts.message.is_object() || !brings_message(event.kind)) return false;
  const auto user = int_at(parts.message, "user_id");
  const bool by_visitor = user ? *user == 0 : event.speaker == Speaker::visitor;
  if (by_visitor) return false;
  if (user && std::find(own.user_ids.begin(), own.user_ids.end(), *user) != own.user_ids.end()) return true;
  const auto name = strict_string_at(parts.message, "name_support");
  return name && std::find(own.names.begin(), own.names.end(), *name) != own.names.end();
}

Verdict LivehelperchatAdmission::admit(const HookRequest& request, Map& map) const {
  if (!authentic(request)) return reject(401, RejectReason::wrong_secret, "");
  Body body = read_body(request.body, request.content_type);
  std::optional<Parts> parts;
  if (const auto payload = payload_of(body.text, body.content_type); payload.has_value())
    if (auto found = map.find(*payload); found.has_value()) parts = std::move(*found);  // else told when it is decoded
  Verdict verdict;
  Accepted& accepted = verdict.accepted.emplace();
  if (parts && is_own(settings_.own, *parts)) {
    accepted.keep = false;
    return verdict;
  }
  accepted.body = without_secret_bytes(std::move(body.text), settings_.secrets);
  accepted.content_type = body.content_type;
  accepted.dedup = key_of(accepted.body, parts);
  if (settings_.window) accepted.dedup->window = *settings_.window;
  if (accepted.dedup->window <= Millis{0}) accepted.dedup.reset();  // dedup: {window: 0}: keep every one
  return verdict;
}

// Every secret that is shown must be right: one in the path does not excuse a wrong one in the header.
bool LivehelperchatAdmission::authentic(const HookRequest& request) const {
  std::vector<std::string> shown;
  if (!request.path_secret.empty()) shown.emplace_back(request.path_secret);
  if (settings_.place.where == SecretPlace::Where::query) {
    for (std::string& value : query_values(request.query, settings_.place.name)) shown.push_back(std::move(value));
  } else if (settings_.place.where == SecretPlace::Where::header) {
    const std::string_view value = request.header_value(settings_.place.name);
    if (!trim(value).empty()) shown.push_back(shown_in_header(value));
  }
  bool right = !shown.empty();
  for (const std::string& candidate : shown) {
    const bool matched = matches_any(settings_.secrets, candidate);
    right = right && matched;
  }
  return right;
}

// The operator's key, else what names the happening in Live Helper Chat, else the bytes.
DedupKey LivehelperchatAdmission::key_of(const std::string& body, const std::optional<Parts>& parts) const {
  const auto named = [&](std::initializer_list<std::string_view> names, Millis window) {
    std::vector<std::string_view> all{"livehelperchat", settings_.source};
    all.insert(all.end(), names);
    return DedupKey{hash128(all), window};
  };
  if (parts && parts->key) return named({"key", *parts->key}, natural_window);
  if (const auto key = parts ? natural_key(*parts) : std::nullopt)
    return named({"natural", key->what, key->chat, key->detail}, natural_window);
  const bool message = parts && !parts->message.is_null() &&
                       (parts->event.empty() || event_named(parts->event, true).kind == Kind::message);
  return named({"body", body}, message ? message_window : body_window);
}

Source::Signed LivehelperchatAdmission::sign(std::string body) const {
  Source::Signed request;
  request.body = std::move(body);
  if (settings_.secrets.empty()) return request;
  const std::string& secret = settings_.secrets.front().reveal();
  if (settings_.place.where != SecretPlace::Where::header)
    request.path_suffix = "/" + percent_encode(secret);  // holds wherever the secret is looked for
  else if (iequals_ascii(settings_.place.name, "Authorization"))
    request.headers.emplace_back(settings_.place.name, "Bearer " + secret);
  else
    request.headers.emplace_back(settings_.place.name, secret);
  return request;
}

}  // namespace chatrelay::systems::livehelperchat
