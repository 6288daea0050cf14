#include "systems/livechat/livechat_admit.hpp"

#include "common/json.hpp"
#include "common/text.hpp"
#include "systems/livechat/livechat_api_config.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

namespace {

const std::vector<std::string>& secret_members() {
  static const std::vector<std::string> names = {"secret_key"};
  return names;
}

}  // namespace

Verdict LivechatAdmission::admit(const HookRequest& request, WallTime now) {
  const JsonScanResult scan = scan_json(request.body, livechat_first_paths(), secret_members());
  if (!scan.well_formed)
    return reject(400, RejectReason::not_json,
                  "the body is not JSON: it breaks off at byte " + std::to_string(scan.error_offset));
  const LivechatFields fields(scan);
  Verdict verdict;
  if ((verdict.rejected = authenticate(request, fields))) return verdict;

  Accepted accepted;
  if (fields.text(LivechatField::action) == event_type::incoming_event && own_.wrote(request.body, now)) {
    accepted.keep = false;
    verdict.accepted = std::move(accepted);
    return verdict;
  }
  accepted.body = without_secrets(request.body, scan);
  if (is_livechat_probe(accepted.body)) {
    accepted.keep = false;
    verdict.accepted = std::move(accepted);
    return verdict;
  }
  accepted.dedup = livechat_key(source_, fields, accepted.body, counter_, now);
  if (window_) accepted.dedup->window = *window_;
  if (accepted.dedup->window <= Millis{0}) accepted.dedup.reset();  // dedup: {window: 0}: keep every one
  verdict.accepted = std::move(accepted);
  return verdict;
}

// Every secret that is shown must be right: one in the path does not excuse a wrong one in the body.
std::optional<Rejected> LivechatAdmission::authenticate(const HookRequest& request,
                                                        const LivechatFields& fields) const {
  const std::string_view in_body = fields.raw(LivechatField::secret_key);
  const bool path_right = !request.path_secret.empty() && matches_any(secrets_, request.path_secret);
  const bool body_right =
      fields.is_string(LivechatField::secret_key) && matches_any(secrets_, fields.text(LivechatField::secret_key));
  if (!request.path_secret.empty() && !path_right)
    return Rejected{401, RejectReason::wrong_secret, "the secret in the path is wrong"};
  if (!in_body.empty() && !body_right) return Rejected{401, RejectReason::wrong_secret, "secret_key is wrong"};
  if (!path_right && !body_right)
    return Rejected{401, RejectReason::wrong_secret,
                    "there is no secret: neither secret_key in the body nor one in the path"};
  return std::nullopt;
}

std::string LivechatAdmission::without_secrets(std::string_view body, const JsonScanResult& scan) const {
  return without_secret_bytes(without_members(body, scan.members), secrets_);
}

// Recorded webhooks hold a placeholder, or no secret at all: either way the configured one is put in, first of all
// members.
Source::Signed LivechatAdmission::sign(std::string body) const {
  Source::Signed signed_request;
  if (secrets_.empty()) {
    signed_request.body = std::move(body);
    return signed_request;
  }
  const std::string& secret = secrets_.front().reveal();
  const JsonScanResult scan = scan_json(body, livechat_paths(), secret_members());
  const std::string_view text = trim(body);
  const LivechatFields fields(scan);
  const bool app_webhook = fields.raw(LivechatField::action).empty() && !fields.raw(LivechatField::app_event).empty();
  if (!scan.well_formed || !text.starts_with('{') || app_webhook) {
    signed_request.path_suffix = "/" + percent_encode(secret);
    signed_request.body = std::move(body);
    return signed_request;
  }
  std::string bare = without_members(body, scan.members);
  const std::size_t brace = bare.find('{');
  const std::size_t next = bare.find_first_not_of(" \t\r\n", brace + 1);
  const bool was_empty = next != std::string::npos && bare[next] == '}';
  bare.insert(brace + 1, "\"secret_key\":" + json::serialize(json::value(secret)) + (was_empty ? "" : ","));
  signed_request.body = std::move(bare);
  return signed_request;
}

}  // namespace chatrelay::systems
