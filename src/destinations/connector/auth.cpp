#include "destinations/connector/auth.hpp"

#include <algorithm>
#include <atomic>

#include "common/crypto.hpp"
#include "common/json.hpp"
#include "common/text.hpp"
#include "destinations/connector/auth_kept.hpp"
#include "destinations/connector/auth_oauth2.hpp"
#include "destinations/connector/auth_render.hpp"
#include "destinations/connector/auth_token.hpp"
#include "destinations/connector/http_rules.hpp"
#include "expression/json_text.hpp"

namespace chatrelay::destinations::connector {

namespace asio = boost::asio;

namespace {

constexpr std::size_t value_bytes_max = 16 << 10;  // Limit: tokens of some identity servers have 8 KiB

// nullopt: the template gives nothing, and the header or parameter is left out.
Result<std::optional<std::string>> text_of(const expression::Template& value, const json::value& input,
                                           expression::Program& program) {
  const auto rendered = value.render(program, input);
  if (!rendered) return rendered.error();
  if (!*rendered || (*rendered)->is_null()) return std::optional<std::string>();
  const json::value& found = **rendered;
  if (found.is_object() || found.is_array()) return invalid("must be a text");
  std::string text = found.is_string() ? std::string(found.get_string()) : expression::compact_json(found);
  if (text.size() > value_bytes_max) return invalid("is longer than 16 KiB");
  return std::optional<std::string>(std::move(text));
}

Result<void> add_header(AuthPart& part, std::string name, std::string value) {
  if (const Result<void> checked = check_header(name, value); !checked) return checked.error();
  part.headers.emplace_back(std::move(name), std::move(value));
  return {};
}

Result<AuthPart> basic_part(const AuthMethod& method, const json::value& input, expression::Program& program) {
  const auto user = text_of(method.user, input, program);
  if (!user) return invalid("auth.user " + user.error().message);
  const auto password = text_of(method.password, input, program);
  if (!password) return invalid("auth.password " + password.error().message);
  const std::string name = user->value_or("");
  // RFC 7617 §2: the first colon ends the user.
  if (name.find(':') != std::string::npos) return invalid("auth.user must not hold a colon");
  AuthPart part;
  part.headers.emplace_back("Authorization", "Basic " + base64_encode(name + ":" + password->value_or("")));
  return part;
}

// Logs in with the same thing each time.
class FixedAuth final : public Auth {
 public:
  explicit FixedAuth(AuthPart part) : part_(std::move(part)) {}
  asio::awaitable<Result<AuthPart>> prepare() override { co_return part_; }
  asio::awaitable<bool> renew(std::string) override { co_return false; }
  bool mends(const http::ClientResponse&) override { return false; }
  Result<CodeGrant> begin_grant(std::string) override { return no_grant(); }
  asio::awaitable<Result<json::object>> finish_grant(std::string, std::string) override { co_return no_grant(); }

 private:
  static Error no_grant() {
    return invalid("this destination logs in with its settings: there is nothing to authorize");
  }
  AuthPart part_;
};

Result<Sealer> sealer_of(const AuthOptions& options) {
  if (options.store_key.empty())
    return invalid("needs store_key in the configuration: its tokens are kept in the store, sealed");
  return Sealer::create(options.store_key);
}

Result<std::shared_ptr<Auth>> make_oauth2(const AuthMethod& method, const json::object& settings,
                                          std::shared_ptr<expression::Program> program, const Context& context,
                                          AuthOptions options) {
  Result<OAuth2Values> values = resolve_oauth2(*method.oauth2, settings, *program);
  if (!values) return values.error();
  std::optional<KeptTokens> kept;
  if (values->grant == Grant::refresh_token) {
    Result<Sealer> sealer = sealer_of(options);
    if (!sealer) return sealer.error();
    kept.emplace(context.store, context.executor, std::move(*sealer), options.destination,
                 kept_origin(values->token_url, values->client_id, values->refresh_token));
  }
  return std::shared_ptr<Auth>(std::make_shared<OAuth2>(method.oauth2, std::move(*values), std::move(program), settings,
                                                        context, std::move(options), std::move(kept)));
}

}  // namespace

void register_secret(const std::string& secret) {
  static std::atomic<int> left{4096};
  if (secret.empty() || left.load() <= 0) return;
  --left;
  redactor::add(secret);
}

Result<const AuthMethod*> chosen_method(const AuthSpec& spec, const json::object& settings,
                                        expression::Program& program) {
  if (spec.methods.empty()) return static_cast<const AuthMethod*>(nullptr);
  const json::value input(json::object{{"settings", settings}});
  for (const AuthMethod& method : spec.methods) {
    if (!method.when) return &method;
    const Result<bool> holds = program.holds(*method.when, input);
    if (!holds) return invalid("auth.when: " + holds.error().message);
    if (*holds) return &method;
  }
  return invalid("none of the ways to log in fits the settings: is one missing?");
}

Result<AuthPart> fixed_part(const AuthMethod& method, const json::object& settings, expression::Program& program) {
  AuthPart part;
  if (method.kind == AuthKind::none) return part;
  const json::value input(json::object{{"settings", settings}});
  if (method.kind == AuthKind::basic) return basic_part(method, input, program);
  const auto name = text_of(method.name, input, program);
  if (!name) return invalid("auth.name " + name.error().message);
  const auto value = text_of(method.value, input, program);
  if (!value) return invalid("auth.value " + value.error().message);
  if (!value->has_value()) return part;
  if (name->value_or("").empty()) return invalid("auth.name is empty");
  if (method.kind == AuthKind::query) {
    part.query.emplace_back(**name, **value);
    return part;
  }
  if (const Result<void> added = add_header(part, **name, **value); !added)
    return invalid("auth.value: " + added.error().message);
  return part;
}

Result<AuthPart> token_part(const OAuth2Spec& spec, const json::object& settings, json::object token,
                            expression::Program& program) {
  token.erase("refresh_token");
  const json::value input(json::object{{"settings", settings}, {"token", token}});
  const auto header = text_of(spec.header, input, program);
  if (!header) return invalid("auth.header " + header.error().message);
  AuthPart part;
  if (header->has_value()) {
    if (const Result<void> added = add_header(part, "Authorization", **header); !added)
      return invalid("auth.header: " + added.error().message);
  }
  part.token_id = token_id_of(strict_string_at(token, "access_token").value_or(""));
  part.token = std::move(token);
  return part;
}

json::value answer_as_json(const http::ClientResponse& response) {
  json::object headers;
  for (const auto& [name, value] : response.headers) headers[to_lower_ascii(name)] = repair_utf8(value);
  auto body = parse_json(response.body);
  return json::object{
      {"status", response.status}, {"headers", std::move(headers)}, {"body", body ? std::move(*body) : json::value()}};
}

Result<void> check_auth(const AuthSpec& spec, const json::object& settings, expression::Program& program,
                        const AuthOptions& options) {
  const Result<const AuthMethod*> method = chosen_method(spec, settings, program);
  if (!method) return method.error();
  if (*method == nullptr) return {};
  if ((*method)->kind != AuthKind::oauth2) {
    const Result<AuthPart> part = fixed_part(**method, settings, program);
    if (!part) return part.error();
    return {};
  }
  const Result<OAuth2Values> values = resolve_oauth2(*(*method)->oauth2, settings, program);
  if (!values) return values.error();
  if (values->grant != Grant::refresh_token) return {};
  const Result<Sealer> sealer = sealer_of(options);
  if (!sealer) return sealer.error();
  return {};
}

Result<AuthPart> auth_part(const AuthSpec& spec, const json::object& settings, const json::object& token,
                           expression::Program& program) {
  const Result<const AuthMethod*> method = chosen_method(spec, settings, program);
  if (!method) return method.error();
  if (*method == nullptr) return AuthPart();
  if ((*method)->kind == AuthKind::oauth2) return token_part(*(*method)->oauth2, settings, token, program);
  return fixed_part(**method, settings, program);
}

Result<std::shared_ptr<Auth>> make_auth(const AuthSpec& spec, const json::object& settings,
                                        std::shared_ptr<expression::Program> program, const Context& context,
                                        AuthOptions options) {
  const Result<const AuthMethod*> method = chosen_method(spec, settings, *program);
  if (!method) return method.error();
  if (*method != nullptr && (*method)->kind == AuthKind::oauth2)
    return make_oauth2(**method, settings, std::move(program), context, std::move(options));
  Result<AuthPart> part = *method == nullptr ? Result<AuthPart>(AuthPart()) : fixed_part(**method, settings, *program);
  if (!part) return part.error();
  return std::shared_ptr<Auth>(std::make_shared<FixedAuth>(std::move(*part)));
}

}  // namespace chatrelay::destinations::connector
