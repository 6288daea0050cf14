#include "systems/livechatoo/livechatoo_admit.hpp"

#include "common/json.hpp"
#include "common/json_scan.hpp"
#include "common/text.hpp"
#include "systems/livechatoo/callbacks.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::livechatoo {

namespace {

// onchatopened comes with every page that a visitor loads while a chat runs, however long it runs.
constexpr Millis chat_window = std::chrono::days(7);

// What the page gave to init as `custom`: a session id, wherever a caller puts it.
const std::vector<std::string>& never_stored() {
  static const std::vector<std::string> names{"custom"};
  return names;
}

bool is_taken_type(std::string_view content_type) {
  const std::string type = to_lower_ascii(trim(content_type.substr(0, content_type.find(';'))));
  return type.empty() || type == "text/plain" || type == "application/json";
}

Rejected refused(int status, std::string message) {
  return {status, RejectReason::bad_request, std::move(message)};
}

// Why a call that is JSON makes no sense; empty if it does.
std::string fault_of(const json::value& call, const std::string& account) {
  if (!call.is_object()) return "the body is not an object";
  const Callback callback = callback_of(strict_string_at(call, "event").value_or(""));
  if (callback == Callback::unknown) return "the body names no callback of Livechatoo";
  const json::value* data = find(call, "data");
  if (!data || !data->is_object()) return "there is no data";
  if ((callback == Callback::chat_start || callback == Callback::chat_opened || callback == Callback::chat_rating) &&
      !ticket_of(*data))
    return "there is no ticket";
  if (callback == Callback::conversion && !ticket_of(call)) return "a conversion belongs to a chat: there is no ticket";
  const std::string said = string_at(call, "account").value_or("");
  if (!account.empty() && !said.empty() && said != account) return "this source is of another account";
  return {};
}

}  // namespace

DedupKey livechatoo_key(std::string_view source, const json::value& call, std::string_view body) {
  const std::string account = text_of(call, "account", line_bytes_max).value_or("");
  const std::string visitor = made_id_of(call, "visitor").value_or("");
  const auto key = [&](Millis window, std::string_view kind, std::initializer_list<std::string_view> more) {
    std::vector<std::string_view> parts{"livechatoo", kind, source, account, visitor};
    parts.insert(parts.end(), more);
    return DedupKey{hash128(parts), window};
  };
  const Callback callback = callback_of(strict_string_at(call, "event").value_or(""));
  if (const json::value* data = find(call, "data"); data && ticket_of(*data)) {
    const std::string ticket = *ticket_of(*data);
    if (callback == Callback::chat_start || callback == Callback::chat_opened)
      return key(chat_window, "chat", {ticket});
    if (callback == Callback::chat_rating)
      return key(natural_window, "rating",
                 {ticket, text_of(*data, "rating", line_bytes_max).value_or(""),
                  text_of(*data, "message", text_bytes_max).value_or("")});
  }
  if (const auto id = made_id_of(call, "id")) return key(natural_window, "id", {*id});
  return key(body_window, "body", {body});
}

std::optional<Rejected> LivechatooAdmission::refuse_sender(const HookRequest& request) const {
  if (!hook_.browsers.allows(request.header_value("Origin")))
    return Rejected{403, RejectReason::forbidden_origin,
                    "this website may not send here: its origin is not among the source's origins"};
  if (!request.path_secret.empty()) return refused(404, "this source has no secret in its path");
  if (!is_taken_type(request.content_type))
    return refused(415, "the body must be text/plain or application/json, and JSON in both");
  if (request.body.size() > body_bytes_max) return refused(413, "the body is larger than 64 KiB");
  return std::nullopt;
}

Verdict LivechatooAdmission::admit(const HookRequest& request) const {
  Verdict verdict;
  if ((verdict.rejected = refuse_sender(request))) return verdict;
  const JsonScanResult scan = scan_json(request.body, {}, never_stored());
  if (!scan.well_formed)
    return reject(400, RejectReason::not_json,
                  "the body is not JSON: it breaks off at byte " + std::to_string(scan.error_offset));
  if (scan.depth > depth_max) return reject(400, RejectReason::bad_request, "the body is nested too deeply");
  Accepted accepted;  // 200 and nothing in it: a visitor's browser learns nothing of what we know
  accepted.body = without_secret_bytes(without_members(request.body, scan.members), hook_.secrets);
  const auto call = parse_json(accepted.body);
  if (!call) return reject(400, RejectReason::not_json, "the body is not JSON that can be read");
  if (std::string fault = fault_of(*call, hook_.account); !fault.empty())
    return reject(400, RejectReason::bad_request, std::move(fault));
  accepted.dedup = livechatoo_key(source_, *call, accepted.body);
  if (window_) accepted.dedup->window = *window_;
  if (accepted.dedup->window <= Millis{0}) accepted.dedup.reset();  // dedup: {window: 0}: keep every one
  verdict.accepted = std::move(accepted);
  return verdict;
}

Source::Signed LivechatooAdmission::sign(std::string body) const {
  Source::Signed request;
  request.body = std::move(body);
  if (!hook_.browsers.origins.empty()) request.headers.emplace_back("Origin", hook_.browsers.origins.front());
  return request;
}

}  // namespace chatrelay::systems::livechatoo
