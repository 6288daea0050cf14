#include "systems/generic/generic_verify.hpp"

#include "common/digits.hpp"
#include "common/json.hpp"
#include "common/json_scan.hpp"
#include "common/standard_webhooks.hpp"
#include "common/text.hpp"
#include "systems/generic/generic_form.hpp"
#include "systems/generic/generic_slack.hpp"
#include "systems/receiving.hpp"

namespace chatrelay::systems::generic {

// The libraries of Standard Webhooks allow five minutes; Slack's own advice is the same: older is a replay.
constexpr long long tolerance_s = 300;

Rejected wrong(std::string message) {
  return {401, RejectReason::wrong_secret, std::move(message)};
}

std::optional<Rejected> timestamp_problem(std::string_view header, std::string_view text, WallTime now) {
  const auto seconds = whole_number<long long>(text);
  if (!seconds) return wrong(std::string(header) + " is not a number");
  const long long now_s = to_ms(now) / 1000;
  if (*seconds < now_s - tolerance_s || *seconds > now_s + tolerance_s)
    return wrong(std::string(header) + " is more than 5 minutes off");
  return std::nullopt;
}

bool any_signs(const std::vector<Secret>& secrets, std::string_view text, const std::optional<std::string>& signature) {
  bool matched = false;
  for (const Secret& secret : secrets) {
    const Digest expected = hmac_sha256(secret.reveal(), text);
    const bool same = signature && equal_constant_time(as_text(expected), *signature);
    matched = matched || same;
  }
  return matched;
}

namespace {

// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the signature
// "v1,<base64>" is HMAC-SHA256 of "<id>.<timestamp>.<body>"; several stand in one header, separated by spaces, while
// secrets rotate.
class StandardWebhooks final : public Verification {
 public:
  StandardWebhooks(std::vector<Secret> secrets, std::vector<std::string> keys)
      : secrets_(std::move(secrets)), keys_(std::move(keys)) {}

  std::optional<Rejected> verify(const HookRequest& request, WallTime now) const override {
    const std::string_view id = request.header_value("webhook-id");
    const std::string_view timestamp = request.header_value("webhook-timestamp");
    const std::string_view signatures = request.header_value("webhook-signature");
    if (id.empty() || timestamp.empty() || signatures.empty())
      return wrong("webhook-id, webhook-timestamp and webhook-signature are needed");
    if (!is_signed(id, timestamp, request.body, signatures)) return wrong("no signature fits");
    return timestamp_problem("webhook-timestamp", timestamp, now);
  }

  void sign(Source::Signed& request, WallTime now) const override {
    const std::string timestamp = standard_webhooks_timestamp(now);
    const Digest named = sha256(request.body + timestamp);
    const std::string id = "msg_" + base64url_encode(as_text(named).substr(0, 15));
    const std::string signature = standard_webhooks_signature(keys_.front(), id, timestamp, request.body);
    request.headers.emplace_back("webhook-id", id);
    request.headers.emplace_back("webhook-timestamp", timestamp);
    request.headers.emplace_back("webhook-signature", signature);
  }

  std::string delivery_id(const HookRequest& request) const override {
    return std::string(request.header_value("webhook-id"));
  }
  std::vector<Secret> secrets() const override { return secrets_; }

 private:
  bool is_signed(std::string_view id, std::string_view timestamp, std::string_view body,
                 std::string_view signatures) const {
    bool matched = false;
    for (const std::string& key : keys_)
      matched = standard_webhooks_matches(key, id, timestamp, body, signatures) || matched;
    return matched;
  }

  std::vector<Secret> secrets_;
  std::vector<std::string> keys_;  // the secrets, decoded
};

enum class Encoding { hex, base64 };

class HmacHeader final : public Verification {
 public:
  HmacHeader(std::string header, std::vector<Secret> secrets, std::string prefix, Encoding encoding)
      : header_(std::move(header)), secrets_(std::move(secrets)), prefix_(std::move(prefix)), encoding_(encoding) {}

  std::optional<Rejected> verify(const HookRequest& request, WallTime) const override {
    std::string_view given = trim(request.header_value(header_));
    if (given.empty()) return wrong("there is no " + header_ + " header");
    if (!given.starts_with(prefix_)) return wrong("the signature does not fit");
    given.remove_prefix(prefix_.size());
    // Decoded before comparing: hexadecimal digits come in both cases, base64 with and without padding.
    const std::string text(given);
    const auto bytes = encoding_ == Encoding::hex ? hex_decode(text) : base64_decode(text);
    if (!any_signs(secrets_, request.body, bytes)) return wrong("the signature does not fit");
    return std::nullopt;
  }

  void sign(Source::Signed& request, WallTime) const override {
    const Digest digest = hmac_sha256(secrets_.front().reveal(), request.body);
    request.headers.emplace_back(
        header_, prefix_ + (encoding_ == Encoding::hex ? hex_encode(digest) : base64_encode(as_text(digest))));
  }
  std::vector<Secret> secrets() const override { return secrets_; }

 private:
  std::string header_;
  std::vector<Secret> secrets_;
  std::string prefix_;
  Encoding encoding_;
};

// `bearer` and `header: {name, secret}`: a header that holds the secret itself.
class SecretHeader final : public Verification {
 public:
  SecretHeader(std::string name, std::string scheme, std::vector<Secret> secrets)
      : name_(std::move(name)), scheme_(std::move(scheme)), secrets_(std::move(secrets)) {}

  std::optional<Rejected> verify(const HookRequest& request, WallTime) const override {
    std::string_view given = trim(request.header_value(name_));
    if (given.size() < scheme_.size() || !iequals_ascii(given.substr(0, scheme_.size()), scheme_))
      return wrong("the " + name_ + " header is missing or wrong");
    if (!matches_any(secrets_, trim(given.substr(scheme_.size()))))
      return wrong("the " + name_ + " header is missing or wrong");
    return std::nullopt;
  }
  void sign(Source::Signed& request, WallTime) const override {
    request.headers.emplace_back(name_, scheme_ + secrets_.front().reveal());
  }
  std::vector<Secret> secrets() const override { return secrets_; }

 private:
  std::string name_, scheme_;
  std::vector<Secret> secrets_;
};

// RFC 7617. The user's name is no secret.
class Basic final : public Verification {
 public:
  Basic(std::string user, std::vector<Secret> passwords) : user_(std::move(user)), passwords_(std::move(passwords)) {}

  std::optional<Rejected> verify(const HookRequest& request, WallTime) const override {
    const std::string_view given = trim(request.header_value("Authorization"));
    constexpr std::string_view scheme = "Basic ";
    const bool basic = given.size() > scheme.size() && iequals_ascii(given.substr(0, scheme.size()), scheme);
    const auto decoded = basic ? base64_decode(trim(given.substr(scheme.size()))) : std::nullopt;
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) return wrong("Basic credentials are needed");
    const bool user = equal_constant_time(user_, std::string_view(*decoded).substr(0, colon));
    const bool password = matches_any(passwords_, std::string_view(*decoded).substr(colon + 1));
    if (!user || !password) return wrong("user or password is wrong");
    return std::nullopt;
  }
  void sign(Source::Signed& request, WallTime) const override {
    request.headers.emplace_back("Authorization", "Basic " + base64_encode(user_ + ":" + passwords_.front().reveal()));
  }
  std::vector<Secret> secrets() const override { return passwords_; }

 private:
  std::string user_;
  std::vector<Secret> passwords_;
};

// A secret inside the body, like LiveChat's secret_key. Every member of that name is taken out before storing.
class Field final : public Verification {
 public:
  Field(std::vector<std::string> path, std::vector<Secret> secrets)
      : path_(std::move(path)), secrets_(std::move(secrets)) {}

  std::optional<Rejected> verify(const HookRequest& request, WallTime) const override {
    std::string name;
    for (const std::string& key : path_) name += (name.empty() ? "" : ".") + key;
    if (is_form(request.content_type, request.body)) {
      const auto values = form_values(request.body, name);
      bool matched = !values.empty();
      for (const std::string& value : values) {
        const bool same = matches_any(secrets_, value);
        matched = matched && same;
      }
      if (!matched) return wrong(name + " is missing or wrong");
      return std::nullopt;
    }
    const JsonPath wanted[] = {{path_}};
    const JsonScanResult scan = scan_json(request.body, wanted, {});
    if (!scan.well_formed)
      return Rejected{400, RejectReason::not_json,
                      "the body is not JSON: it breaks off at byte " + std::to_string(scan.error_offset)};
    const std::string_view raw = scan.values.front();
    if (!raw.starts_with('"') || !matches_any(secrets_, scanned_string(raw)))
      return wrong(name + " is missing or wrong");
    return std::nullopt;
  }

  // The members that lead to the field are made where they are missing.
  void sign(Source::Signed& request, WallTime) const override {
    auto body = parse_json(request.body);
    if (!body.has_value() || !body->is_object()) {  // a form
      std::string name;
      for (const std::string& key : path_) name += (name.empty() ? "" : ".") + key;
      const std::string bare = without_field(request.body, name);
      request.body =
          bare + (bare.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(secrets_.front().reveal());
      return;
    }
    json::value* at = &*body;
    for (const std::string& key : path_) {
      if (!at->is_object()) at->emplace_object();
      at = &at->get_object()[key];
    }
    *at = secrets_.front().reveal();
    request.body = json::serialize(*body);
  }
  std::string secret_member() const override { return path_.back(); }
  std::vector<Secret> secrets() const override { return secrets_; }

 private:
  std::vector<std::string> path_;
  std::vector<Secret> secrets_;
};

class Nothing final : public Verification {
 public:
  std::optional<Rejected> verify(const HookRequest&, WallTime) const override { return std::nullopt; }
  void sign(Source::Signed&, WallTime) const override {}
  std::vector<Secret> secrets() const override { return {}; }
};

// ".auth.token" or "auth.token": a plain walk, no expression.
std::vector<std::string> read_path(const config::Node& node) {
  const std::string text = node.required_string();
  std::vector<std::string> keys;
  std::string key;
  for (std::size_t i = text.starts_with('.') ? 1 : 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') {
      key += text[i];
      continue;
    }
    if (key.empty() && !text.empty()) node.problem("must be member names joined by dots, like auth.token");
    keys.push_back(std::move(key));
    key.clear();
  }
  return keys;
}

std::unique_ptr<Verification> read_standard_webhooks(const config::Node& node) {
  std::vector<Secret> secrets = read_secrets(node);
  std::vector<std::string> keys;
  for (const Secret& secret : secrets) {
    const auto key = standard_webhooks_key(secret.reveal());
    if (!key)
      node.problem(key.error().message);
    else
      keys.push_back(*key);
  }
  return std::make_unique<StandardWebhooks>(std::move(secrets), std::move(keys));
}

std::unique_ptr<Verification> read_hmac(const config::Node& node) {
  node.only({"header", "secret", "prefix", "encoding"});
  const Encoding encoding =
      node["encoding"].one_of<Encoding>({{"hex", Encoding::hex}, {"base64", Encoding::base64}}, Encoding::hex);
  return std::make_unique<HmacHeader>(node["header"].required_string(), read_secrets(node["secret"]),
                                      node["prefix"].string(), encoding);
}

std::unique_ptr<Verification> read_way(const std::string& way, const config::Node& node) {
  if (way == "standard_webhooks") return read_standard_webhooks(node);
  if (way == "hmac_sha256") return read_hmac(node);
  if (way == "slack") return read_slack(node);
  if (way == "bearer") return std::make_unique<SecretHeader>("Authorization", "Bearer ", read_secrets(node));
  if (way == "basic") {
    node.only({"user", "password"});
    return std::make_unique<Basic>(node["user"].required_string(), read_secrets(node["password"]));
  }
  if (way == "header") {
    node.only({"name", "secret"});
    return std::make_unique<SecretHeader>(node["name"].required_string(), "", read_secrets(node["secret"]));
  }
  if (way == "field") {
    node.only({"path", "secret"});
    return std::make_unique<Field>(read_path(node["path"]), read_secrets(node["secret"]));
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Verification> read_verification(const config::Node& node, config::Problems& problems) {
  const std::size_t before = problems.list().size();
  constexpr std::string_view ways = "standard_webhooks, slack, hmac_sha256, bearer, basic, header, field, none";
  std::unique_ptr<Verification> verification;
  const bool none = (node.is_scalar() && node.string() == "none") ||
                    (node.is_map() && node.keys() == std::vector<std::string>{"none"});
  if (none) {
    node.warning("is none: whoever knows the address can send events");
    return std::make_unique<Nothing>();
  }
  if (!node.is_map() || node.size() != 1) {
    node.problem("must say how a webhook proves itself: one of " + std::string(ways));
    return nullptr;
  }
  node.only({"standard_webhooks", "slack", "hmac_sha256", "bearer", "basic", "header", "field", "none"});
  const std::string way = node.keys().front();
  verification = read_way(way, node[way]);
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return nullptr;
  return verification;
}

}  // namespace chatrelay::systems::generic
