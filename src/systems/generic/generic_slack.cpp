#include "systems/generic/generic_slack.hpp"

#include "common/json_scan.hpp"
#include "common/text.hpp"
#include "systems/generic/generic_form.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::generic {

namespace {

constexpr std::string_view timestamp_header = "X-Slack-Request-Timestamp";
constexpr std::string_view signature_header = "X-Slack-Signature";
constexpr std::string_view version = "v0";
constexpr std::size_t challenge_bytes_max = 1000;  // Limit: of what is said back

// "v0:<timestamp>:<body>"
std::string signed_text(std::string_view timestamp, std::string_view body) {
  std::string text(version);
  text.reserve(version.size() + timestamp.size() + body.size() + 2);
  text.append(":").append(timestamp).append(":").append(body);
  return text;
}

// The values at the top of a JSON body, as text; empty where there is none, or the body is a form.
std::vector<std::string> top_texts(const HookRequest& request, std::vector<JsonPath> wanted) {
  std::vector<std::string> out(wanted.size());
  if (is_form(request.content_type, request.body)) return out;
  const JsonScanResult scan = scan_json(request.body, wanted, {});
  if (!scan.well_formed) return out;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (scan.values[i].starts_with('"')) out[i] = scanned_string(scan.values[i]);
  return out;
}

class Slack final : public Verification {
 public:
  Slack(std::vector<Secret> signing, std::vector<Secret> tokens)
      : signing_(std::move(signing)), tokens_(std::move(tokens)) {}

  std::optional<Rejected> verify(const HookRequest& request, WallTime now) const override {
    const std::string_view timestamp = trim(request.header_value(timestamp_header));
    const std::string_view signature = trim(request.header_value(signature_header));
    if (timestamp.empty() || signature.empty())
      return wrong(std::string(timestamp_header) + " and " + std::string(signature_header) + " are needed");
    if (!fits(signature, signed_text(timestamp, request.body))) return wrong("the signature does not fit");
    return timestamp_problem(timestamp_header, timestamp, now);
  }

  void sign(Source::Signed& request, WallTime now) const override {
    const std::string timestamp = std::to_string(to_ms(now) / 1000);
    const Digest digest = hmac_sha256(signing_.front().reveal(), signed_text(timestamp, request.body));
    request.headers.emplace_back(timestamp_header, timestamp);
    request.headers.emplace_back(signature_header, std::string(version) + "=" + hex_encode(digest));
  }

  // The same in every retry (X-Slack-Retry-Num), whose bytes may differ. Commands and buttons have none, and no
  // retries.
  std::string delivery_id(const HookRequest& request) const override {
    return top_texts(request, {{{"event_id"}}}).front();
  }

  std::optional<std::string> challenge(const HookRequest& request) const override {
    if (request.body.find("url_verification") == std::string_view::npos) return std::nullopt;  // comes once, ever
    const auto texts = top_texts(request, {{{"type"}}, {{"challenge"}}});
    if (texts[0] != "url_verification") return std::nullopt;
    return std::string(truncate_utf8(texts[1], challenge_bytes_max));
  }

  // The verification token of old: whoever has it passes for Slack where signatures are not looked at.
  std::string secret_member() const override { return "token"; }

  std::vector<Secret> secrets() const override {
    std::vector<Secret> all = signing_;
    all.insert(all.end(), tokens_.begin(), tokens_.end());
    return all;
  }

 private:
  bool fits(std::string_view given, const std::string& text) const {
    const std::string prefix = std::string(version) + "=";
    if (!given.starts_with(prefix)) return false;
    return any_signs(signing_, text, hex_decode(std::string(given.substr(prefix.size()))));
  }

  std::vector<Secret> signing_, tokens_;
};

}  // namespace

std::unique_ptr<Verification> read_slack(const config::Node& node) {
  if (!node.is_map()) node.problem("must be a map: {signing_secret: …}");
  node.only({"signing_secret", "verification_token"});
  std::vector<Secret> tokens;
  if (node["verification_token"].present()) tokens = read_secrets(node["verification_token"]);
  return std::make_unique<Slack>(read_secrets(node["signing_secret"]), std::move(tokens));
}

}  // namespace chatrelay::systems::generic
