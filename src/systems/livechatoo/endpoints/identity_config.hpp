// `identity` of a livechatoo source: how the value that a page gave to Livechatoo as `custom` is verified, and how the
// operator is told. Read from the source's node, all problems at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/secret.hpp"
#include "common/units.hpp"
#include "config/config.hpp"
#include "expression/expression.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

enum class Place { query, form, json, header, cookie };

// The request that asks the website whose session it is.
struct Lookup {
  std::string url;
  std::string method = "GET";
  Place place = Place::query;  // where the value stands in it
  std::string name;            // of the parameter, header or cookie
  std::vector<std::pair<std::string, std::string>> headers;
  Millis timeout{5'000};
  bool allow_private = false;
};

// A JSON Web Token that the website signed with HMAC-SHA-256 (RFC 7515, HS256).
struct TokenRules {
  std::vector<Secret> secrets;
  Millis max_age = std::chrono::hours(24);  // how far ahead its exp may lie
};

struct IdentityTexts {
  std::string verified = "Verified";
  std::string unknown = "Not verified. Ask the visitor to log in, then verify again.";
  std::string unavailable = "Cannot be verified just now. Try again in a minute.";
};

struct IdentityConfig {
  IdentityConfig() {}
  std::string parameter = "custom";  // "*": the whole query, or the whole body of a POST
  Secret key;                        // of the URL; empty: none is asked for
  std::optional<Lookup> lookup;      // exactly one of the two
  std::optional<TokenRules> token;
  std::string answer = ".";  // jq on the lookup's answer, or on the token's claims
  bool html = false;
  IdentityTexts texts;
  Millis cache = std::chrono::minutes(1);
  Rate limit{30, std::chrono::minutes(1)};  // of an address's calls that verified nobody
  Millis pace{250};                         // answers leave at multiples of it: when they do tells nothing
};

// nullopt: there is no `identity`, or it is wrong; then its nodes, or `problems`, tell why.
std::optional<IdentityConfig> read_identity(const config::SourceConfig& config, config::Problems& problems);

// `answer`, compiled for the thread that evaluates. nullptr if it is no expression, which problems tell.
std::unique_ptr<expression::Program> compile_answer(const IdentityConfig& identity, const config::Location& where,
                                                    expression::ExpressionId& id, config::Problems& problems);

}  // namespace chatrelay::systems::livechatoo::endpoints
