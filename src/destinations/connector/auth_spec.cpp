// `auth:` of a connector file, read strictly: all problems at once, each at its line.
#include <initializer_list>

#include "common/text.hpp"
#include "destinations/connector/auth.hpp"
#include "destinations/connector/http_rules.hpp"

namespace chatrelay::destinations::connector {

namespace json = boost::json;

namespace {

using expression::Template;

class AuthReader {
 public:
  AuthReader(expression::Builder& builder, config::Problems& problems) : builder_(builder), problems_(problems) {}

  AuthMethod read(const config::Node& node, bool last) {
    AuthMethod method;
    method.where = node.where();
    if (!node.is_map()) {
      node.problem("must be a map with a kind, or a list of such maps");
      return method;
    }
    if (!node["kind"].present()) node.problem("needs kind: none, header, basic, query or oauth2");
    method.kind = node["kind"].one_of<AuthKind>({{"none", AuthKind::none},
                                                 {"header", AuthKind::header},
                                                 {"basic", AuthKind::basic},
                                                 {"query", AuthKind::query},
                                                 {"oauth2", AuthKind::oauth2}},
                                                AuthKind::none);
    if (const config::Node when = node["when"]; when.present()) method.when = jq(when);
    if (!method.when && !last) node.problem("has no when: what follows it in the list is never taken");
    read_kind(node, method);
    return method;
  }

 private:
  void read_kind(const config::Node& node, AuthMethod& method) {
    switch (method.kind) {
      case AuthKind::none:
        return node.only({"kind", "when"});
      case AuthKind::header:
      case AuthKind::query:
        node.only({"kind", "when", "name", "value"});
        method.name = required(node, "name");
        method.value = required(node, "value");
        if (method.kind == AuthKind::header) check_header_name(node["name"], method.name);
        return;
      case AuthKind::basic:
        node.only({"kind", "when", "user", "password"});
        method.user = required(node, "user");
        method.password = required(node, "password");
        return;
      case AuthKind::oauth2:
        method.oauth2 = std::make_shared<const OAuth2Spec>(read_oauth2(node));
        return;
    }
  }

  OAuth2Spec read_oauth2(const config::Node& node) {
    node.only({"kind", "when", "grant", "token_url", "authorize_url", "authorize_query", "scope", "client_id",
               "client_secret", "client_auth", "refresh_token", "form", "jwt", "header", "expires_in", "refresh_on_401",
               "never_refresh_when"});
    OAuth2Spec spec;
    spec.grant = required(node, "grant");
    check_choice(node["grant"], spec.grant, {"refresh_token", "client_credentials", "jwt_bearer"});
    spec.token_url = required(node, "token_url");
    spec.authorize_url = optional(node["authorize_url"]);
    spec.authorize_query = map(node["authorize_query"]);
    spec.scope = optional(node["scope"]);
    spec.client_id = optional(node["client_id"]);
    spec.client_secret = optional(node["client_secret"]);
    spec.client_auth = optional(node["client_auth"]);
    if (node["client_auth"].present()) check_choice(node["client_auth"], spec.client_auth, {"body", "basic"});
    spec.refresh_token = optional(node["refresh_token"]);
    spec.form = map(node["form"]);
    read_jwt(node["jwt"], spec);
    spec.header = node["header"].present()
                      ? optional(node["header"])
                      : Template::parse_text("Bearer {{ .token.access_token }}", node.where(), builder_, problems_);
    if (const config::Node expires = node["expires_in"]; expires.present()) {
      const Millis lifetime = expires.duration(Millis{0});
      if (lifetime.count() > 0) spec.expires_in = lifetime;
    }
    spec.refresh_on_401 = node["refresh_on_401"].boolean(true);
    if (const config::Node never = node["never_refresh_when"]; never.present()) spec.never_refresh_when = jq(never);
    check_grant(node, spec);
    return spec;
  }

  void read_jwt(const config::Node& node, OAuth2Spec& spec) {
    if (!node.present()) return;
    if (!node.is_map()) return node.problem("must be a map");
    node.only({"issuer", "subject", "audience", "private_key", "lifetime"});
    spec.jwt_issuer = required(node, "issuer");
    spec.jwt_subject = optional(node["subject"]);
    spec.jwt_audience = required(node, "audience");
    spec.jwt_private_key = required(node, "private_key");
    spec.jwt_lifetime = node["lifetime"].duration(spec.jwt_lifetime);
    // Limit: RFC 7523 lets a server refuse what lives unreasonably long; an hour is what the most generous takes.
    if (spec.jwt_lifetime < Millis{10'000} || spec.jwt_lifetime > std::chrono::hours(1))
      node["lifetime"].problem("must be between 10s and 1h");
  }

  // What a fixed grant cannot do without. A templated one is looked at when it is known.
  static void check_grant(const config::Node& node, const OAuth2Spec& spec) {
    if (!spec.grant.is_constant() || !spec.grant.constant().is_string()) return;
    const std::string grant(spec.grant.constant().get_string());
    if (grant == "jwt_bearer" && !node["jwt"].present())
      node.problem("needs jwt: what the token request is signed with");
    if (grant != "jwt_bearer" && !node["client_id"].present()) node.problem("needs client_id");
    if (grant == "client_credentials" && !node["client_secret"].present()) node.problem("needs client_secret");
    if (grant == "refresh_token" && !node["refresh_token"].present() && !node["authorize_url"].present())
      node.problem("needs refresh_token or authorize_url: where else would its first token come from");
  }

  static void check_choice(const config::Node& node, const Template& value,
                           std::initializer_list<std::string_view> choices) {
    if (!node.present() || !value.is_constant()) return;
    std::string names;
    for (const std::string_view choice : choices) {
      if (value.constant().is_string() && std::string_view(value.constant().get_string()) == choice) return;
      names += (names.empty() ? "" : ", ") + std::string(choice);
    }
    node.problem("is " + node.shown() + "; it must be one of: " + names);
  }

  static void check_header_name(const config::Node& node, const Template& name) {
    if (!node.present() || !name.is_constant()) return;
    const std::string text = name.constant().is_string() ? std::string(name.constant().get_string()) : std::string{};
    if (const Result<void> checked = check_header(text, ""); !checked) node.problem(checked.error().message);
  }

  Template required(const config::Node& node, std::string_view key) {
    if (!node[key].present()) node.problem("needs " + std::string(key));
    return optional(node[key]);
  }
  Template optional(const config::Node& node) {
    return node.present() ? Template::parse(node, builder_, problems_) : Template{};
  }
  Template map(const config::Node& node) {
    if (node.present() && !node.is_map()) node.problem("must be a map of names to values");
    return optional(node);
  }
  expression::ExpressionId jq(const config::Node& node) {
    const json::value value = node.is_scalar() ? node.json(false) : json::value();
    if (!value.is_string() && !value.is_bool()) node.problem("must be a jq expression");
    const std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    if (trim(text).starts_with("{{")) node.problem("is a jq expression by itself: write it without {{ }}");
    return builder_.add(text, node.where(), problems_);
  }

  expression::Builder& builder_;
  config::Problems& problems_;
};

}  // namespace

AuthSpec read_auth(const config::Node& node, expression::Builder& builder, config::Problems& problems) {
  AuthSpec spec;
  AuthReader reader(builder, problems);
  const std::vector<config::Node> methods = node.items();
  for (std::size_t i = 0; i < methods.size(); ++i)
    spec.methods.push_back(reader.read(methods[i], i + 1 == methods.size()));
  return spec;
}

}  // namespace chatrelay::destinations::connector
