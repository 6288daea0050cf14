// Dialogue: requests and their answers, one after the other, without any I/O. Whoever drives it asks for the next
// request, sends it, and hands over the answer, until there is no next one.
//
// There are two: Execution (one attempt) and BatchExecution (several in one request). Neither logs in: they are given
// an AuthPart for each request.
#pragma once

#include <optional>

#include "destinations/connector/connector_file.hpp"

namespace chatrelay::destinations::connector {

class Dialogue {
 public:
  virtual ~Dialogue() = default;

  // Is there anything (more) to send?
  virtual bool advance() = 0;
  // Whether the next request needs the file's login (its base URL may be made of the token's answer).
  virtual bool wants_login() const = 0;
  // Only after advance() said yes. nullopt: the request cannot be built, and that is the outcome.
  virtual std::optional<http::ClientRequest> request(const AuthPart& auth, WallTime now) = 0;
  virtual void answered(const http::ClientResponse& response, WallTime now) = 0;
  // The request is made once more, with another token: takes the last answer back. Only after a failure.
  virtual void again() = 0;
  // Ends it with what came of it from outside: a login that failed.
  virtual void end(Outcome outcome) = 0;

  // After advance() said yes: something was written that a repeat would write once more. Who ends here has it kept.
  virtual bool wrote() const { return false; }
  // What the last answer came to. Until the first one: ok.
  virtual const Outcome& result() const = 0;
  virtual const OutcomeRule* matched() const = 0;  // by the last answer; nullptr: no rule of the file
};

}  // namespace chatrelay::destinations::connector
