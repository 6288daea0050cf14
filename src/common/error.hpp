// Error and Result: how a function says that bad input or a missing thing stopped it.
//
// A Result carries either a value or an Error; it is returned, not logged: who handles it decides. Broken invariants
// are not Errors: they end in CHATRELAY_ASSERT (common/assert.hpp). What came of a delivery is not an Error either, but
// an Outcome (event/outcome.hpp).
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <boost/system/result.hpp>

namespace chatrelay {

enum class ErrorKind {
  invalid,       // the input is wrong and stays wrong
  not_found,     // what was named does not exist
  unauthorized,  // a secret is missing or wrong
  conflict,      // it exists already, or its state does not allow this
  too_large,     // over a named limit
  unavailable,   // temporary: disk full, database locked, shutting down
  internal,      // a library failed in a way we did not foresee
};

struct Error {
  Error() = default;  // boost::system::result asks for it; says nothing went wrong that we know of
  Error(ErrorKind k, std::string m) : kind(k), message(std::move(m)) {}
  ErrorKind kind = ErrorKind::internal;
  std::string message;  // for an operator: what is wrong, where, what to do; never holds a secret
};

template <class T>
using Result = boost::system::result<T, Error>;

// Called by Result::value() without a value; reaching it is a bug of the caller.
[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error("unchecked Result: " + error.message);
}

inline Error invalid(std::string message) {
  return {ErrorKind::invalid, std::move(message)};
}
inline Error not_found(std::string message) {
  return {ErrorKind::not_found, std::move(message)};
}
inline Error unavailable(std::string message) {
  return {ErrorKind::unavailable, std::move(message)};
}

}  // namespace chatrelay
