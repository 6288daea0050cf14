// How a generic webhook proves that it is authentic: one of the ways of `verify`. Pure; time is given.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "systems/source.hpp"

namespace chatrelay::systems::generic {

class Verification {
 public:
  virtual ~Verification() = default;
  // nullopt: authentic.
  virtual std::optional<Rejected> verify(const HookRequest& request, WallTime now) const = 0;
  virtual void sign(Source::Signed& request, WallTime now) const = 0;
  // The id that the sender gives to what it sends, the same in every retry; empty if this way has none.
  virtual std::string delivery_id(const HookRequest&) const { return {}; }
  // What the sender asks for when the address is registered, in an authentic request: answered as text, not kept.
  virtual std::optional<std::string> challenge(const HookRequest&) const { return std::nullopt; }
  // The member of the body that holds a secret and is not stored; empty if none.
  virtual std::string secret_member() const { return {}; }
  // Which must not be stored should they turn up in a body.
  virtual std::vector<Secret> secrets() const = 0;
};

// What several ways say and do.
Rejected wrong(std::string message);
// `text`: Unix seconds, of the named header. nullopt: of these five minutes, before or after.
std::optional<Rejected> timestamp_problem(std::string_view header, std::string_view text, WallTime now);
// Is it HMAC-SHA256 of the text with one of the secrets? All are tried, whichever fits. nullopt: it could not be
// decoded.
bool any_signs(const std::vector<Secret>& secrets, std::string_view text, const std::optional<std::string>& signature);

// Reads `verify`. nullptr when problems were added.
std::unique_ptr<Verification> read_verification(const config::Node& node, config::Problems& problems);

}  // namespace chatrelay::systems::generic
