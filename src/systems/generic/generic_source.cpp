#include "systems/generic/generic_source.hpp"

#include "common/json_scan.hpp"
#include "systems/generic/generic_form.hpp"
#include "systems/generic/generic_map.hpp"
#include "systems/generic/generic_verify.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems {

using namespace generic;

namespace {

constexpr std::string_view system_name = "generic";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

// The payload that expressions see: the JSON document, or an object of the form's fields.
Result<json::value> payload_of(std::string_view body, std::string_view content_type) {
  if (is_form(content_type, body)) return json::value(parse_form(body));
  return parse_json(body);
}

class GenericSource final : public Source {
 public:
  GenericSource(std::string name, std::unique_ptr<Verification> verification, std::unique_ptr<Map> map,
                std::optional<Millis> window)
      : name_(std::move(name)),
        verification_(std::move(verification)),
        map_(std::move(map)),
        window_(window),
        secrets_(verification_->secrets()) {
    if (const std::string member = verification_->secret_member(); !member.empty()) taken_out_.push_back(member);
  }

  Verdict admit(const HookRequest& request, WallTime now) override {
    Verdict verdict;
    if ((verdict.rejected = verification_->verify(request, now))) return verdict;
    if (auto text = verification_->challenge(request)) return unkept(std::move(*text));
    const bool form = is_form(request.content_type, request.body);
    Accepted accepted;
    if (form) {
      accepted.content_type = form_type;
      accepted.body =
          taken_out_.empty() ? std::string(request.body) : without_field(request.body, verification_->secret_member());
    } else {
      const JsonScanResult scan = scan_json(request.body, {}, taken_out_);
      if (!scan.well_formed)
        return reject(
            400, RejectReason::not_json,
            "the body is neither JSON (it breaks off at byte " + std::to_string(scan.error_offset) + ") nor a form");
      accepted.body = without_members(request.body, scan.members);
    }
    accepted.body = without_secret_bytes(std::move(accepted.body), secrets_);
    std::optional<json::value> payload;
    if (map_->has_key() || map_->has_own())
      if (auto read = payload_of(accepted.body, accepted.content_type); read.has_value()) payload = std::move(*read);
    if (payload && is_own(*payload, now)) return unkept("");
    accepted.dedup = key_of(request, accepted.body, payload);
    if (window_) accepted.dedup->window = *window_;
    if (accepted.dedup->window <= Millis{0}) accepted.dedup.reset();  // dedup: {window: 0}: keep every one
    verdict.accepted = std::move(accepted);
    return verdict;
  }

  std::vector<Event> decode(const StoredWebhook& webhook) override {
    return decoded(webhook, system_name, [&] { return decode_one(webhook); });
  }

  Signed sign(std::string body, WallTime now) const override {
    Signed request;
    request.body = std::move(body);
    verification_->sign(request, now);
    return request;
  }

 private:
  static Verdict unkept(std::string answer) {
    Verdict verdict;
    Accepted& accepted = verdict.accepted.emplace();
    accepted.keep = false;
    accepted.answer = std::move(answer);
    return verdict;
  }

  // An expression that fails here, or in key_of, fails again when the webhook is decoded, and is told there.
  bool is_own(const json::value& payload, WallTime now) {
    const auto own = map_->is_own(payload, now);
    return own.has_value() && *own;
  }

  // The operator's key, else the id that the sender's protocol gives, else the bytes.
  DedupKey key_of(const HookRequest& request, std::string_view body, const std::optional<json::value>& payload) {
    std::optional<std::string> key;
    if (payload && map_->has_key()) key = map_->key(*payload);
    if (key) return named("generic key", *key, natural_window);
    if (const std::string id = verification_->delivery_id(request); !id.empty())
      return named("generic id", id, natural_window);
    return named("generic body", body, body_window);
  }

  DedupKey named(std::string_view kind, std::string_view name, Millis window) const {
    const std::string_view parts[] = {kind, name_, name};
    return {hash128(parts), window};
  }

  Event decode_one(const StoredWebhook& webhook) {
    auto payload = payload_of(webhook.body, webhook.content_type);
    if (!payload.has_value()) return undecodable(webhook, payload.error().message);
    Event event;
    event.type = "webhook";
    const auto own = map_->is_own(*payload, webhook.received_at);
    const auto applied = own.has_value() ? map_->apply(*payload, event) : Result<void>(own.error());
    if (!applied.has_value()) {
      Event failed;  // half an event would be worse than none: rules would act on what is missing
      failed.type = event_type::invalid_payload;
      failed.activity["error"] = applied.error().message;
      failed.raw = std::move(*payload);
      return failed;
    }
    event.raw = std::move(*payload);
    return event;
  }

  std::string name_;
  std::unique_ptr<Verification> verification_;
  std::unique_ptr<Map> map_;
  std::optional<Millis> window_;
  std::vector<Secret> secrets_;
  std::vector<std::string> taken_out_;
};

std::unique_ptr<Source> make_generic(const config::SourceConfig& config, const boost::json::object& tables,
                                     config::Problems& problems) {
  std::vector<std::string> known = config::common_source_keys();
  known.insert(known.end(), {"verify", "map", "own"});
  config.node.only(known);
  auto verification = read_verification(config.node["verify"], problems);
  auto map = Map::read(config.node["map"], config.node["own"], tables, problems);
  if (!verification || !map) return nullptr;
  return std::make_unique<GenericSource>(config.name, std::move(verification), std::move(map), config.dedup_window);
}

}  // namespace

SourceKind generic_kind() {
  return {system_name, &make_generic};
}

}  // namespace chatrelay::systems
