// The accept path of LiveChat: is it JSON, is it authentic, what names it, and the body without its secrets. One walk
// over the bytes; no document is built. LiveChat proves itself by `secret_key` in the body and by nothing else: there
// is no signature.
#pragma once

#include <string>
#include <vector>

#include "common/secret.hpp"
#include "systems/livechat/livechat_keys.hpp"
#include "systems/livechat/livechat_own.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems {

class LivechatAdmission {
 public:
  LivechatAdmission(std::string source, std::vector<Secret> secrets, std::optional<Millis> window, LivechatOwn own = {})
      : source_(std::move(source)), secrets_(std::move(secrets)), window_(window), own_(std::move(own)) {}

  Verdict admit(const HookRequest& request, WallTime now);
  Source::Signed sign(std::string body) const;

 private:
  std::optional<Rejected> authenticate(const HookRequest& request, const LivechatFields& fields) const;
  std::string without_secrets(std::string_view body, const JsonScanResult& scan) const;

  std::string source_;
  std::vector<Secret> secrets_;
  std::optional<Millis> window_;  // replaces the windows of all keys
  LivechatOwn own_;
  OccurrenceCounter counter_;
};

}  // namespace chatrelay::systems
