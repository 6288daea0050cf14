// The values of `auth: {kind: oauth2}` for one destination: its templates with the settings put in, and checked.
#include <algorithm>

#include "common/text.hpp"
#include "destinations/connector/auth_jwt.hpp"
#include "destinations/connector/auth_token.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace json = boost::json;

namespace {

// Members that the engine writes: a second one of the same name could contradict it.
constexpr std::string_view own_fields[] = {"grant_type", "refresh_token", "code",      "redirect_uri", "code_verifier",
                                           "client_id",  "client_secret", "assertion", "scope"};
constexpr std::string_view own_query[] = {"response_type", "client_id",      "redirect_uri",         "state",
                                          "scope",         "code_challenge", "code_challenge_method"};

// Reads one template after the other; keeps the first thing that does not fit.
class Resolver {
 public:
  Resolver(const json::object& settings, expression::Program& program)
      : input_(json::object{{"settings", settings}}), program_(program) {}

  std::string text(std::string_view key, const expression::Template& value) {
    const auto rendered = value.render(program_, input_);
    if (!rendered) return fail(key, rendered.error().message);
    if (!*rendered || (*rendered)->is_null()) return {};
    const json::value& found = **rendered;
    if (found.is_string()) return std::string(found.get_string());
    if (found.is_bool() || found.is_number()) return expression::compact_json(found);
    return fail(key, "must be a text");
  }

  std::string required(std::string_view key, const expression::Template& value) {
    std::string found = text(key, value);
    if (found.empty()) fail(key, "is empty: is a setting missing?");
    return found;
  }

  // A map of texts; null leaves a member out.
  template <std::size_t N>
  NamedValues map(std::string_view key, const expression::Template& value, const std::string_view (&own)[N]) {
    NamedValues values;
    const auto rendered = value.render(program_, input_);
    if (!rendered) {
      fail(key, rendered.error().message);
      return values;
    }
    if (!*rendered || (*rendered)->is_null()) return values;
    if (!(*rendered)->is_object()) {
      fail(key, "must be a map");
      return values;
    }
    for (const auto& [name, one] : (*rendered)->get_object()) {
      if (one.is_null()) continue;
      const std::string name_text(name);
      if (std::ranges::find(own, name_text) != std::end(own)) fail(key, name_text + " is set by chatrelay itself");
      if (one.is_object() || one.is_array()) fail(key, name_text + " must be a text");
      values.emplace_back(name_text, one.is_string() ? std::string(one.get_string()) : expression::compact_json(one));
    }
    return values;
  }

  std::string fail(std::string_view key, const std::string& what) {
    if (!error_) error_ = invalid("auth." + std::string(key) + " " + what);
    return {};
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  json::value input_;
  expression::Program& program_;
  std::optional<Error> error_;
};

Grant grant_of(Resolver& resolver, const expression::Template& value) {
  const std::string text = resolver.required("grant", value);
  if (text == "client_credentials") return Grant::client_credentials;
  if (text == "jwt_bearer") return Grant::jwt_bearer;
  if (text != "refresh_token") resolver.fail("grant", "must be refresh_token, client_credentials or jwt_bearer");
  return Grant::refresh_token;
}

void check_urls(Resolver& resolver, const OAuth2Values& values) {
  if (const Result<void> checked = check_url(values.token_url); !checked)
    resolver.fail("token_url", checked.error().message);
  if (values.authorize_url.empty()) return;
  if (const Result<void> checked = check_url(values.authorize_url); !checked)
    resolver.fail("authorize_url", checked.error().message);
}

void read_jwt(Resolver& resolver, const OAuth2Spec& spec, OAuth2Values& values) {
  values.jwt_issuer = resolver.required("jwt.issuer", spec.jwt_issuer);
  values.jwt_subject = resolver.text("jwt.subject", spec.jwt_subject);
  values.jwt_audience = resolver.required("jwt.audience", spec.jwt_audience);
  values.jwt_private_key = resolver.required("jwt.private_key", spec.jwt_private_key);
  values.jwt_lifetime = spec.jwt_lifetime;
  if (const Result<void> checked = check_rs256_key(values.jwt_private_key); !checked)
    resolver.fail("jwt.private_key", "does not fit: " + checked.error().message);
}

}  // namespace

Result<OAuth2Values> resolve_oauth2(const OAuth2Spec& spec, const json::object& settings,
                                    expression::Program& program) {
  Resolver resolver(settings, program);
  OAuth2Values values;
  values.grant = grant_of(resolver, spec.grant);
  values.token_url = resolver.required("token_url", spec.token_url);
  values.authorize_url = resolver.text("authorize_url", spec.authorize_url);
  values.authorize_query = resolver.map("authorize_query", spec.authorize_query, own_query);
  values.scope = resolver.text("scope", spec.scope);
  values.client_id = resolver.text("client_id", spec.client_id);
  values.client_secret = resolver.text("client_secret", spec.client_secret);
  values.form = resolver.map("form", spec.form, own_fields);
  values.refresh_token = resolver.text("refresh_token", spec.refresh_token);
  values.expires_in = spec.expires_in;
  const std::string client_auth = resolver.text("client_auth", spec.client_auth);
  if (!client_auth.empty() && client_auth != "body" && client_auth != "basic")
    resolver.fail("client_auth", "must be body or basic");
  values.client_by_basic = client_auth == "basic";
  check_urls(resolver, values);
  if (values.grant == Grant::jwt_bearer) read_jwt(resolver, spec, values);
  if (values.grant != Grant::jwt_bearer && values.client_id.empty())
    resolver.fail("client_id", "is empty: is a setting missing?");
  if (values.grant == Grant::client_credentials && values.client_secret.empty())
    resolver.fail("client_secret", "is empty: is a setting missing?");
  if (values.grant == Grant::refresh_token && values.refresh_token.empty() && values.authorize_url.empty())
    resolver.fail("refresh_token", "is empty: is a setting missing?");
  if (resolver.error()) return *resolver.error();
  return values;
}

}  // namespace chatrelay::destinations::connector
