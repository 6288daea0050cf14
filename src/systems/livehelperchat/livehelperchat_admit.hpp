// The accept path of Live Helper Chat's webhooks: is it authentic, is it our own message coming back, what names it,
// and the body without credentials. They have no signature, no delivery id and no time: a static secret in the path, in
// the query or in a header is all the proof there is.
//
// Live Helper Chat posts the body of our answer into the chat, for the visitor to read, whatever the status: every
// answer has an empty body.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "systems/livehelperchat/livehelperchat_map.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems::livehelperchat {

struct SecretPlace {
  enum class Where { path, query, header } where = Where::path;
  std::string name;  // of the parameter or the header
};

// Who writes for us over there: the operator whose key a destination uses, or the name it writes under.
struct OwnNames {
  std::vector<std::int64_t> user_ids;
  std::vector<std::string> names;
};
// A message that we wrote. A visitor who calls themselves by one of our names is still a visitor.
bool is_own(const OwnNames& own, const Parts& parts);

struct Settings {
  std::string source;
  std::vector<Secret> secrets;  // empty: there is no hook
  SecretPlace place;
  OwnNames own;
  std::optional<Millis> window;  // replaces the windows of all keys
};

class LivehelperchatAdmission {
 public:
  explicit LivehelperchatAdmission(Settings settings) : settings_(std::move(settings)) {}

  // `map` is this thread's.
  Verdict admit(const HookRequest& request, Map& map) const;
  Source::Signed sign(std::string body) const;

 private:
  bool authentic(const HookRequest& request) const;
  DedupKey key_of(const std::string& body, const std::optional<Parts>& parts) const;

  Settings settings_;
};

}  // namespace chatrelay::systems::livehelperchat
