// A token that the website signed: a JSON Web Token with HS256 and nothing else (RFC 7515, RFC 7519). Pure.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json.hpp>

#include "common/clock.hpp"
#include "systems/livechatoo/endpoints/identity_config.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

// The claims without those that are about the token itself (exp, nbf, iat, iss, aud, jti). nullopt: not signed by one
// of the secrets, too old, not yet good, without exp, or with an exp further ahead than max_age. The signature is
// compared in constant time, with every secret, before anything in the token is read.
std::optional<boost::json::object> verify_token(const TokenRules& rules, std::string_view token, WallTime now);

}  // namespace chatrelay::systems::livechatoo::endpoints
