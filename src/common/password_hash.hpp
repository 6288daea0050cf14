// Hashes of passwords and keys, by crypt(3) of libxcrypt: what is kept in a configuration instead of the secret. Takes
// tens of milliseconds and megabytes on purpose: not for a thread that others wait for.
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace chatrelay {

inline constexpr std::size_t hashed_bytes_max = 511;  // Limit: crypt(3)'s

// yescrypt with a new salt. Errors: invalid, for what is empty, too long or has a zero byte; internal.
Result<std::string> hash_password(std::string_view password);

// Constant time but for the hash's own parameters. False too for a hash that is none.
bool verify_password(const std::string& hash, std::string_view password);

// Why verify_password() could never, or not within a second or so, say yes to this hash; empty: it is good. Takes
// yescrypt, scrypt, bcrypt (PHP's password_hash() too), sha256crypt and sha512crypt.
std::string password_hash_problem(std::string_view hash);

}  // namespace chatrelay
