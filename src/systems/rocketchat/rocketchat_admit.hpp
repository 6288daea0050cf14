// The accept path of Rocket.Chat's webhooks: is it authentic, is it JSON, what names it, and the body without secrets.
// No document is built. Rocket.Chat proves itself by a static header and by nothing else: there is no signature, no
// timestamp and no delivery id.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "systems/rocketchat/rocketchat_own.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems::rocketchat {

enum class Proof {
  secret,  // one of the secrets, in the header or in the path
  none,    // nobody is asked
  closed,  // there is no hook: the source only serves
};

class RocketchatAdmission {
 public:
  RocketchatAdmission(std::string source, Proof proof, std::vector<Secret> secrets, std::optional<Millis> window,
                      OwnMessages own = {})
      : source_(std::move(source)),
        proof_(proof),
        secrets_(std::move(secrets)),
        window_(window),
        own_(std::move(own)) {}

  Verdict admit(const HookRequest& request, WallTime now) const;
  Source::Signed sign(std::string body) const;

 private:
  std::optional<Rejected> authenticate(const HookRequest& request) const;

  std::string source_;
  Proof proof_;
  std::vector<Secret> secrets_;
  std::optional<Millis> window_;  // replaces the windows of all keys
  OwnMessages own_;
};

// What makes two webhooks the same one. `type`, `room`, `closed_at` and `messages` are raw JSON text, empty if absent.
struct RocketchatNames {
  std::string_view type, room, closed_at, messages;
};
DedupKey rocketchat_key(std::string_view source, const RocketchatNames& names, std::string_view body);

}  // namespace chatrelay::systems::rocketchat
