#include "systems/livechatoo/endpoints/identity_config.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "http/response_format.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

namespace {

// Limit: it runs on the thread that takes webhooks, on one answer of 64 KiB.
constexpr expression::Limits answer_limits{Millis{200}, 10, 64 << 10};
constexpr std::size_t secret_bytes_min = 16;

Secret read_secret(const config::Node& node) {
  Secret secret = node.secret();
  if (secret.reveal().size() < secret_bytes_min)
    node.problem("is too short for a secret: use at least 16 random characters");
  return secret;
}

void read_place(const config::Node& node, Lookup& lookup) {
  const std::string text = node.string("query:session");
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string kind = text.substr(0, colon);
  lookup.name = text.substr(std::min(colon + 1, text.size()));
  constexpr std::pair<std::string_view, Place> places[] = {{"query", Place::query},
                                                           {"form", Place::form},
                                                           {"json", Place::json},
                                                           {"header", Place::header},
                                                           {"cookie", Place::cookie}};
  const auto found = std::ranges::find(places, kind, &std::pair<std::string_view, Place>::first);
  const bool in_head = kind == "header" || kind == "cookie";
  if (found == std::end(places) || lookup.name.empty() || (in_head && !http::is_token(lookup.name))) {
    node.problem("is " + node.shown() + "; it must be query:NAME, form:NAME, json:NAME, header:NAME or cookie:NAME");
    return;
  }
  lookup.place = found->second;
}

void read_headers(const config::Node& node, Lookup& lookup) {
  if (node.present() && !node.is_map()) node.problem("must be a map of header names to values");
  for (const std::string& name : node.keys()) {
    const config::Node value = node[name];
    const std::string text = value.string();
    if (!http::is_token(name) || !http::is_field_value(text))
      value.problem("is not a header: its name or its value has characters that no header may have");
    else
      lookup.headers.emplace_back(name, text);
  }
}

Lookup read_lookup(const config::Node& node) {
  node.only({"url", "method", "value_in", "headers", "timeout", "allow_private"});
  Lookup lookup;
  lookup.url = node["url"].required_string();
  const std::string lower = to_lower_ascii(lookup.url);
  if (!lookup.url.empty() && !lower.starts_with("https://") && !lower.starts_with("http://"))
    node["url"].problem("must begin with https:// (or http://)");
  if (lookup.url.find('#') != std::string::npos) node["url"].problem("must have no # part: it is not sent");
  read_place(node["value_in"], lookup);
  const bool has_body = lookup.place == Place::form || lookup.place == Place::json;
  lookup.method = node["method"].one_of<std::string>({{"GET", "GET"}, {"POST", "POST"}}, has_body ? "POST" : "GET");
  if (has_body && lookup.method == "GET") node["method"].problem("is GET, but value_in puts the value into a body");
  read_headers(node["headers"], lookup);
  lookup.timeout = node["timeout"].duration(lookup.timeout);
  // Limit: an operator waits for it, and each waiting call holds a connection.
  if (lookup.timeout <= Millis{0} || lookup.timeout > Millis{60'000})
    node["timeout"].problem("must be between 1ms and 60s");
  lookup.allow_private = node["allow_private"].boolean(false);
  return lookup;
}

TokenRules read_token(const config::Node& node) {
  node.only({"secrets", "max_age"});
  TokenRules token;
  for (const config::Node& item : node["secrets"].items()) token.secrets.push_back(read_secret(item));
  if (token.secrets.empty()) node["secrets"].problem("is missing: what the website signs with");
  token.max_age = node["max_age"].duration(token.max_age);
  return token;
}

void read_texts(const config::Node& node, IdentityTexts& texts) {
  node.only({"verified", "unknown", "unavailable"});
  texts.verified = node["verified"].string(texts.verified);
  texts.unknown = node["unknown"].string(texts.unknown);
  texts.unavailable = node["unavailable"].string(texts.unavailable);
}

}  // namespace

std::optional<IdentityConfig> read_identity(const config::SourceConfig& config, config::Problems& problems) {
  const config::Node node = config.node["identity"];
  if (!node.present()) return std::nullopt;
  const std::size_t before = problems.list().size();
  node.only({"parameter", "key", "lookup", "token", "answer", "format", "texts", "cache", "limit", "pace"});
  IdentityConfig identity;
  identity.parameter = node["parameter"].string(identity.parameter);
  if (identity.parameter.empty() || identity.parameter == "source" || identity.parameter == "key")
    node["parameter"].problem("is " + node["parameter"].shown() + "; source and key have another meaning here");
  if (node["key"].present()) identity.key = read_secret(node["key"]);
  if (node["lookup"].present()) identity.lookup = read_lookup(node["lookup"]);
  if (node["token"].present()) identity.token = read_token(node["token"]);
  if (identity.lookup.has_value() == identity.token.has_value())
    node.problem(identity.lookup ? "has both lookup and token; it takes one of them"
                                 : "needs lookup (a request to your website) or token (what your website signed)");
  identity.answer = node["answer"].string(identity.answer);
  identity.html = node["format"].one_of<bool>({{"text", false}, {"html", true}}, false);
  read_texts(node["texts"], identity.texts);
  identity.cache = node["cache"].duration(identity.cache);
  if (identity.token && node["cache"].present()) node["cache"].problem("belongs to lookup: a token is verified here");
  identity.limit = node["limit"].rate().value_or(identity.limit);
  identity.pace = node["pace"].duration(identity.pace);
  if (identity.pace <= Millis{0} || identity.pace > Millis{10'000}) node["pace"].problem("must be between 1ms and 10s");
  expression::ExpressionId id = 0;
  compile_answer(identity, node["answer"].where(), id, problems);
  for (std::size_t i = before; i < problems.list().size(); ++i)
    if (!problems.list()[i].warning) return std::nullopt;
  return identity;
}

std::unique_ptr<expression::Program> compile_answer(const IdentityConfig& identity, const config::Location& where,
                                                    expression::ExpressionId& id, config::Problems& problems) {
  expression::Builder builder({}, answer_limits);
  id = builder.add(identity.answer, where, problems);
  return builder.build(problems);
}

}  // namespace chatrelay::systems::livechatoo::endpoints
