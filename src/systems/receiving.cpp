#include "systems/receiving.hpp"

#include <algorithm>

#include "common/digits.hpp"
#include "common/ids.hpp"
#include "common/json.hpp"
#include "common/json_text.hpp"
#include "common/text.hpp"
#include "event/served_event.hpp"

namespace chatrelay::systems {

namespace {

constexpr std::string_view replacement = "[secret]";

// One character as it may be spelled in a body: its bytes, and where the spelling ends.
struct Unit {
  char bytes[4];
  std::size_t size = 0;
  std::size_t end = 0;
};

void put_utf8(Unit& unit, unsigned code) {
  const auto put = [&](unsigned byte) { unit.bytes[unit.size++] = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 0x3F)), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
  }
}

Unit escape_at(std::string_view text, std::size_t at) {
  Unit unit;
  const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
  unit.end = at + 2;
  switch (kind) {
    case '"':
    case '\\':
    case '/':
      put_utf8(unit, static_cast<unsigned char>(kind));
      return unit;
    case 'b':
      put_utf8(unit, 8);
      return unit;
    case 't':
      put_utf8(unit, 9);
      return unit;
    case 'n':
      put_utf8(unit, 10);
      return unit;
    case 'f':
      put_utf8(unit, 12);
      return unit;
    case 'r':
      put_utf8(unit, 13);
      return unit;
    default:
      break;
  }
  const int high = kind == 'u' ? json_text::hex4(text.substr(at + 2)) : -1;
  if (high < 0) return Unit{{text[at]}, 1, at + 1};
  unit.end = at + 6;
  if (high >= 0xD800 && high < 0xDC00 && text.substr(unit.end, 2) == "\\u") {
    const int low = json_text::hex4(text.substr(unit.end + 2));
    if (low >= 0xDC00 && low < 0xE000) {
      put_utf8(unit, static_cast<unsigned>(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)));
      unit.end += 6;
      return unit;
    }
  }
  put_utf8(unit, static_cast<unsigned>(high));
  return unit;
}

Unit unit_at(std::string_view text, std::size_t at) {
  if (text[at] == '\\') return escape_at(text, at);
  if (text[at] == '%' && at + 2 < text.size()) {
    const int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
    if (high >= 0 && low >= 0) return Unit{{static_cast<char>(high * 16 + low)}, 1, at + 3};
  }
  return Unit{{text[at]}, 1, at + 1};
}

// Where a spelling of the secret that starts at `at` ends; npos if none does.
std::size_t match_at(std::string_view text, std::size_t at, std::string_view secret) {
  std::size_t matched = 0;
  while (matched < secret.size()) {
    if (at >= text.size()) return std::string_view::npos;
    const Unit unit = unit_at(text, at);
    const std::string_view bytes(unit.bytes, unit.size);
    if (secret.substr(matched, bytes.size()) == bytes) {
      matched += bytes.size();
      at = unit.end;
    } else if (text[at] == secret[matched]) {  // a percent sign or backslash that is meant literally
      ++matched;
      ++at;
    } else {
      return std::string_view::npos;
    }
  }
  return at;
}

// The same for a spelling that starts in [at, passed), the place of one escape: whether "\f…" is a form feed or a
// backslash before the secret depends on what the body is, and not every body is JSON. The escape goes with the secret,
// for half an escape would break what is JSON.
std::size_t match_from(std::string_view text, std::size_t at, std::size_t passed, std::string_view secret) {
  for (; at < passed; ++at)
    if (const std::size_t end = match_at(text, at, secret); end != std::string_view::npos) return end;
  return std::string_view::npos;
}

// Nearly every body holds neither the secret nor an escape: three searches at memory speed decide that.
bool could_hold(std::string_view body, std::string_view secret) {
  return body.find('\\') != std::string_view::npos || body.find('%') != std::string_view::npos ||
         body.find(secret) != std::string_view::npos;
}

std::string without_one(std::string body, std::string_view secret) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < body.size();) {
    const char c = body[at];
    if (c != secret.front() && c != '\\' && c != '%') {
      ++at;
      continue;
    }
    const std::size_t passed = c == '\\' ? unit_at(body, at).end : at + 1;
    if (const std::size_t end = match_from(body, at, passed, secret); end != std::string_view::npos) {
      out.append(body, copied, at - copied).append(replacement);
      copied = at = end;
    } else {
      at = passed;
    }
  }
  if (copied == 0) return body;
  if (copied < body.size()) out.append(body, copied, std::string::npos);
  return out;
}

}  // namespace

std::vector<Secret> read_secrets(const config::Node& node) {
  std::vector<Secret> secrets;
  for (const config::Node& item : node.items()) {
    Secret secret = item.secret();
    if (secret.reveal().size() < secret_bytes_min)
      item.problem(secret.empty() ? "is empty" : "is too short for a secret: use at least 16 random characters");
    else
      secrets.push_back(std::move(secret));
  }
  if (node.items().empty()) node.problem("is missing: without a secret nobody could be told from a stranger");
  return secrets;
}

bool matches_any(const std::vector<Secret>& secrets, std::string_view candidate) {
  bool matched = false;
  for (const Secret& secret : secrets) {
    const bool same = secret.matches(candidate);
    matched = matched || same;
  }
  return matched;
}

std::string without_secret_bytes(std::string body, const std::vector<Secret>& secrets) {
  for (const Secret& secret : secrets)
    if (!secret.empty() && could_hold(body, secret.reveal())) body = without_one(std::move(body), secret.reveal());
  return body;
}

Verdict reject(int status, RejectReason reason, std::string message) {
  Verdict verdict;
  verdict.rejected = Rejected{status, reason, std::move(message)};
  return verdict;
}

Event undecodable(const StoredWebhook& webhook, std::string reason) {
  Event event;
  event.type = event_type::invalid_payload;
  event.activity["error"] = repair_utf8(reason);
  event.raw = json::value(repair_utf8(webhook.body));
  return event;
}

std::optional<Event> event_of_ours(const StoredWebhook& webhook) {
  if (webhook.content_type != served_content_type) return std::nullopt;
  auto event = served_event_from_body(webhook.body);
  return event ? std::move(*event) : undecodable(webhook, "the stored event of our own is damaged");
}

bool can_be_own_id(std::string_view text, WallTime now) {
  constexpr std::size_t ulid_size = 26, piece_digits_max = 4;
  constexpr Millis clock_difference = std::chrono::minutes(5);  // a clock that was set back a little
  if (text.size() < ulid_size) return false;
  const std::string_view id = text.substr(0, ulid_size), piece = text.substr(ulid_size);
  if (!piece.empty()) {
    const std::string_view digits = piece.substr(1);
    const bool number = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (piece.front() != '-' || digits.empty() || digits.size() > piece_digits_max || !number) return false;
  }
  // Ours are written in capitals.
  if (std::any_of(id.begin(), id.end(), [](char c) { return c >= 'a' && c <= 'z'; })) return false;
  const auto parts = decode_ulid(id);
  return parts && parts->time <= now + clock_difference && parts->time >= now - own_id_age_max;
}

std::optional<WallTime> meaningful_time(std::string_view text) {
  const auto time = parse_rfc3339(text);
  // "never" is written 1970-01-01T00:00:00Z, and T01:00 by a server that formats the epoch in Polish time.
  if (!time || *time < from_ms(24LL * 3600 * 1000)) return std::nullopt;
  return time;
}

std::optional<WallTime> meaningful_time_at(const json::value& value, std::string_view key) {
  const json::value* member = find(value, key);
  return member && member->is_string() ? meaningful_time(member->get_string()) : std::nullopt;
}

}  // namespace chatrelay::systems
