#include "destinations/connector/auth_token.hpp"

#include <algorithm>
#include <array>

#include "common/crypto.hpp"
#include "common/ids.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "destinations/connector/auth_jwt.hpp"
#include "destinations/outcome_text.hpp"

namespace chatrelay::destinations::connector {

namespace {

constexpr std::size_t answer_bytes_max = 64 << 10;               // Limit: tokens have a few KiB
constexpr Millis wait_max = std::chrono::hours(1);               // Limit: how long a token server may ask us to wait
constexpr std::int64_t lifetime_s_max = 10LL * 365 * 24 * 3600;  // Limit: ten years; more would overflow somewhere

// Words of RFC 6749 §4.1.2.1 and of services that mean "not now".
constexpr std::array<std::string_view, 5> passing{"temporarily_unavailable", "server_error", "slow_down",
                                                  "rate_limit_exceeded", "general_error"};
// And what they say beside another word: Zoho answers {"error": "Access Denied"} to too many requests.
constexpr std::array<std::string_view, 4> passing_words{"too many requests", "try again", "rate limit", "temporarily"};

bool passes(std::string_view error, std::string_view description) {
  if (std::ranges::find(passing, error) != passing.end()) return true;
  const std::string lower = to_lower_ascii(description);
  return std::ranges::any_of(passing_words,
                             [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string form_text(const NamedValues& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    text += percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

std::optional<Millis> retry_after(const http::ClientResponse& response, WallTime now) {
  const std::string* header = http::find_header(response.headers, "Retry-After");
  if (header == nullptr) return std::nullopt;
  const std::string_view text = trim(*header);
  Millis wait{0};
  if (!text.empty() && text.size() <= 9 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    wait = std::chrono::seconds(std::stoi(std::string(text)));
  else if (const auto date = parse_http_date(text))
    wait = *date - now;
  else
    return std::nullopt;
  return std::clamp(wait, Millis{0}, wait_max);
}

TokenAnswer no_answer(const http::ClientResponse& response) {
  TokenAnswer answer;
  if (response.refused_address) {
    answer.kind = TokenAnswer::Kind::refused;
    answer.reason =
        "the token server has a private or loopback address, which is refused; set allow_private: true if that is "
        "meant";
    return answer;
  }
  const std::string error = response.error.empty() ? (response.timed_out ? "timed out" : "no answer") : response.error;
  answer.reason = bounded_reason("the token server cannot be asked: " + error);
  return answer;
}

bool is_success(int status) {
  return status >= 200 && status <= 299;
}

// `error` is a text (RFC 6749 §5.2), or an object with a message (Google's other APIs), or something else that is true.
std::string error_word(const json::object& body) {
  const json::value* error = body.if_contains("error");
  if (error == nullptr || error->is_null()) return {};
  if (error->is_string()) return std::string(error->get_string());
  if (error->is_bool()) return error->get_bool() ? "error" : "";
  for (const std::string_view key : {"status", "code", "message", "type"})
    if (const auto text = string_at(*error, key)) return *text;
  return "error";
}

std::string description_of(const json::object& body) {
  const json::value whole(body);
  for (const std::string_view key : {"error_description", "message", "error_message"})
    if (const auto text = strict_string_at(whole, key)) return *text;
  return {};
}

TokenAnswer granted(json::object body) {
  TokenAnswer answer;
  answer.kind = TokenAnswer::Kind::granted;
  const json::value whole(body);
  if (const auto seconds = int_at(whole, "expires_in"); seconds && *seconds > 0)
    answer.expires_in = std::chrono::seconds(std::min(*seconds, lifetime_s_max));
  answer.token = std::move(body);
  return answer;
}

}  // namespace

Result<NamedValues> grant_fields(const OAuth2Values& values, const std::string& refresh_token, WallTime now) {
  NamedValues fields;
  switch (values.grant) {
    case Grant::refresh_token:
      fields = {{"grant_type", "refresh_token"}, {"refresh_token", refresh_token}};
      break;
    case Grant::client_credentials:
      fields = {{"grant_type", "client_credentials"}};
      if (!values.scope.empty()) fields.emplace_back("scope", values.scope);
      break;
    case Grant::jwt_bearer: {
      const std::int64_t now_s = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
      const std::int64_t lifetime_s = std::chrono::floor<std::chrono::seconds>(values.jwt_lifetime).count();
      json::object claims{{"iss", values.jwt_issuer},
                          {"aud", values.jwt_audience},
                          {"iat", now_s},
                          {"exp", now_s + lifetime_s},
                          {"jti", random_uuid()}};
      if (!values.jwt_subject.empty()) claims["sub"] = values.jwt_subject;
      if (!values.scope.empty()) claims["scope"] = values.scope;  // where Google reads it
      const Result<std::string> assertion = sign_jwt_rs256(claims, values.jwt_private_key);
      if (!assertion) return assertion.error();
      fields = {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", *assertion}};
      if (!values.scope.empty()) fields.emplace_back("scope", values.scope);  // and RFC 7523 §2.1
      break;
    }
  }
  fields.insert(fields.end(), values.form.begin(), values.form.end());
  return fields;
}

NamedValues code_fields(const OAuth2Values& values, const std::string& code, const std::string& redirect_uri,
                        const std::string& verifier) {
  NamedValues fields{{"grant_type", "authorization_code"},
                     {"code", code},
                     {"redirect_uri", redirect_uri},
                     {"code_verifier", verifier}};
  fields.insert(fields.end(), values.form.begin(), values.form.end());
  return fields;
}

http::ClientRequest token_request(const OAuth2Values& values, NamedValues fields) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = values.token_url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  if (values.client_by_basic && !values.client_id.empty()) {
    // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
    const std::string pair = percent_encode(values.client_id) + ":" + percent_encode(values.client_secret);
    request.headers.emplace_back("Authorization", "Basic " + base64_encode(pair));
  } else if (values.grant != Grant::jwt_bearer || !values.client_secret.empty()) {
    // The assertion of jwt_bearer says who asks; some servers refuse a client beside it.
    if (!values.client_id.empty()) fields.emplace_back("client_id", values.client_id);
    if (!values.client_secret.empty()) fields.emplace_back("client_secret", values.client_secret);
  }
  request.body = form_text(fields);
  request.response_bytes_max = answer_bytes_max;
  // A refresh token may be good for one request only: libcurl must not repeat one on its own.
  request.fresh_connection = true;
  return request;
}

TokenAnswer read_token_answer(const http::ClientResponse& response, WallTime now) {
  if (response.progress != http::Progress::answered) return no_answer(response);
  TokenAnswer answer;
  const std::string status = "HTTP " + std::to_string(response.status);
  answer.wait = retry_after(response, now);
  auto parsed = parse_json(response.body);
  const bool is_object = parsed && parsed->is_object();
  if (is_object) answer.error = error_word(parsed->get_object());
  // The body before the status: an error may come with a 200, and then beside it there may even be a token of before.
  if (is_object && answer.error.empty() && is_success(response.status)) {
    const auto access_token = strict_string_at(*parsed, "access_token");
    if (access_token && !access_token->empty()) return granted(std::move(parsed->get_object()));
  }
  // Nothing else of the body is shown: whatever it is, a token may be in it.
  const std::string description = is_object ? description_of(parsed->get_object()) : std::string{};
  std::string text = "token request: " + status;
  if (!answer.error.empty()) text += " " + answer.error;
  if (!description.empty() && description != answer.error) text += ": " + description;
  if (is_success(response.status) && answer.error.empty()) text += " without an access_token";
  if (response.status >= 300 && response.status <= 399) text += ": a redirect, which is not followed; check token_url";
  answer.reason = bounded_reason(text);
  const bool busy =
      response.status >= 500 || response.status == 408 || response.status == 425 || response.status == 429;
  const bool speaks = !answer.error.empty() && !passes(answer.error, description);
  // Unknown failures are temporary: a proxy's 403 and a maintenance page say nothing about our token.
  if (!busy && (speaks || response.status == 401)) answer.kind = TokenAnswer::Kind::refused;
  return answer;
}

std::string token_id_of(const std::string& access_token) {
  return base64url_encode(as_text(sha256("token id " + access_token)).substr(0, 12));
}

std::string pkce_challenge(const std::string& verifier) {
  return base64url_encode(as_text(sha256(verifier)));
}

Result<std::string> authorize_address(const OAuth2Values& values, const std::string& redirect_uri,
                                      const std::string& state, const std::string& challenge) {
  NamedValues query{{"response_type", "code"}, {"client_id", values.client_id}, {"redirect_uri", redirect_uri},
                    {"state", state},          {"code_challenge", challenge},   {"code_challenge_method", "S256"}};
  if (!values.scope.empty()) query.emplace_back("scope", values.scope);
  query.insert(query.end(), values.authorize_query.begin(), values.authorize_query.end());
  return with_query(values.authorize_url, query);
}

}  // namespace chatrelay::destinations::connector
