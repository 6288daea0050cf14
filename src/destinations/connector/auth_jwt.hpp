// A JSON Web Token signed with RS256 (RFC 7515, RFC 7518 §3.3), for the JWT bearer grant. Pure: the claims are given.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "common/error.hpp"

namespace chatrelay::destinations::connector {

// `private_key`: PEM (PKCS#8 or PKCS#1), not encrypted, RSA with 2048 bits at least; its line breaks may be written
// as \n, as they are in a Google key file. Errors: invalid, with what is wrong with the key, never the key.
Result<std::string> sign_jwt_rs256(const boost::json::object& claims, std::string_view private_key);

// The same check without signing anything.
Result<void> check_rs256_key(std::string_view private_key);

}  // namespace chatrelay::destinations::connector
