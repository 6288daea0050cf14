#include "systems/rocketchat/rocketchat_admit.hpp"

#include <array>
#include <span>

#include "common/json_scan.hpp"
#include "common/text.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::rocketchat {

namespace {

constexpr const char* secret_header = "X-RocketChat-Livechat-Token";

// The room of `POST /api/v1/livechat/webhook.test`, the same in every Rocket.Chat. Real room ids have 17 characters.
constexpr std::string_view test_room = "fasd6f5a4sd6f8a4sdf";

// How long the same bytes count as a retry: 6.x tries ten times, 20 s apart, each with a time-out of 5 s.
constexpr Millis retry_window = std::chrono::minutes(5);

// A visitor's token opens their conversations in that Rocket.Chat to whoever has it: it is taken out wherever it is
// (visitor.token, navigation.token).
const std::vector<std::string>& secret_members() {
  static const std::vector<std::string> names = {"token"};
  return names;
}

std::span<const JsonPath> paths() {
  static const std::vector<JsonPath> all = {{{"type"}}, {{"_id"}}, {{"closedAt"}}, {{"messages"}}};
  return all;
}

std::string_view known(std::string_view raw) {
  return raw == "null" || raw == "\"\"" ? std::string_view{} : raw;
}

// The id of the one message that a `Message` webhook brings, and when it was changed. False if there is none, or
// several.
bool read_only_message(std::string_view messages, std::array<std::string, 3>& names) {
  static const std::vector<JsonPath> wanted = {{{"_id"}}, {{"editedAt"}}, {{"_updatedAt"}}};
  const JsonScanResult scan = scan_json(only_entry(messages), wanted, {});
  if (!scan.well_formed) return false;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = scanned_string(known(scan.values[i]));
  return !names[0].empty();
}

}  // namespace

DedupKey rocketchat_key(std::string_view source, const RocketchatNames& names, std::string_view body) {
  const std::string type = scanned_string(names.type), room = scanned_string(names.room);
  const auto natural = [&](std::initializer_list<std::string_view> more) {
    std::vector<std::string_view> parts{"rocketchat natural", source, type, room};
    parts.insert(parts.end(), more);
    return DedupKey{hash128(parts), natural_window};
  };
  if (!room.empty()) {
    if (std::array<std::string, 3> message; type == "Message" && read_only_message(names.messages, message))
      return natural({message[0], message[1], message[2]});
    if (type == "LivechatSessionStart") return natural({});
    if (type == "LivechatSession" && !names.closed_at.empty()) return natural({scanned_string(names.closed_at)});
  }
  // States that may come back (queued, taken, queued again) carry no time that always tells them apart.
  const std::array<std::string_view, 3> parts{"rocketchat body", source, body};
  return {hash128(parts), retry_window};
}

Verdict RocketchatAdmission::admit(const HookRequest& request, WallTime now) const {
  Verdict verdict;
  if ((verdict.rejected = authenticate(request))) return verdict;
  const JsonScanResult scan = scan_json(request.body, paths(), secret_members());
  if (!scan.well_formed)
    return reject(400, RejectReason::not_json,
                  "the body is not JSON: it breaks off at byte " + std::to_string(scan.error_offset));
  const RocketchatNames names{known(scan.values[0]), known(scan.values[1]), known(scan.values[2]),
                              known(scan.values[3])};
  Accepted accepted;  // 200 and nothing in it: Rocket.Chat keeps what we answer as the room's crmData
  const bool ours = scanned_string(names.type) == "Message" && own_.wrote(names.messages, now);
  if (ours || scanned_string(names.room) == test_room) {
    accepted.keep = false;
    verdict.accepted = std::move(accepted);
    return verdict;
  }
  accepted.body = without_secret_bytes(without_members(request.body, scan.members), secrets_);
  accepted.dedup = rocketchat_key(source_, names, accepted.body);
  if (window_) accepted.dedup->window = *window_;
  if (accepted.dedup->window <= Millis{0}) accepted.dedup.reset();  // dedup: {window: 0}: keep every one
  verdict.accepted = std::move(accepted);
  return verdict;
}

// Every secret that is shown must be right: one in the path does not excuse a wrong one in the header. An empty header,
// which old versions send when they have no secret, shows none.
std::optional<Rejected> RocketchatAdmission::authenticate(const HookRequest& request) const {
  if (proof_ == Proof::none) return std::nullopt;
  if (proof_ == Proof::closed)
    return Rejected{401, RejectReason::wrong_secret, "this source takes no webhooks: it has no secrets"};
  const std::string_view in_header = trim(request.header_value(secret_header));
  if (!request.path_secret.empty() && !matches_any(secrets_, request.path_secret))
    return Rejected{401, RejectReason::wrong_secret, "the secret in the path is wrong"};
  if (!in_header.empty() && !matches_any(secrets_, in_header))
    return Rejected{401, RejectReason::wrong_secret, std::string("the ") + secret_header + " header is wrong"};
  if (request.path_secret.empty() && in_header.empty())
    return Rejected{401, RejectReason::wrong_secret,
                    std::string("there is no secret: neither in the ") + secret_header + " header nor in the path"};
  return std::nullopt;
}

Source::Signed RocketchatAdmission::sign(std::string body) const {
  Source::Signed request;
  request.body = std::move(body);
  if (!secrets_.empty()) request.headers.emplace_back(secret_header, secrets_.front().reveal());
  return request;
}

}  // namespace chatrelay::systems::rocketchat
