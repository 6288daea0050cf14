// The accept path of the bridge's calls: from a configured website, small, a callback that there is, what names it, and
// the body without `custom`. Nothing here is authentic: whoever writes the Origin header of a configured website is
// taken for it. So everything is bounded, and a key never lets one visitor's call hide another's (Limit: visitors whose
// browser keeps no id are told apart by the ticket alone).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "systems/livechatoo/livechatoo_keys.hpp"
#include "systems/source.hpp"

namespace chatrelay::systems::livechatoo {

class LivechatooAdmission {
 public:
  LivechatooAdmission(std::string source, HookConfig hook, std::optional<Millis> window)
      : source_(std::move(source)), hook_(std::move(hook)), window_(window) {}

  Verdict admit(const HookRequest& request) const;
  Source::Signed sign(std::string body) const;
  const BrowserRules& browsers() const { return hook_.browsers; }

 private:
  std::optional<Rejected> refuse_sender(const HookRequest& request) const;

  std::string source_;
  HookConfig hook_;
  std::optional<Millis> window_;  // replaces the windows of all keys
};

// What makes two calls the same one: a chat by its ticket, a rating by what it says, everything else by the bridge's
// id; without one, by the bytes. `body` is what is stored.
DedupKey livechatoo_key(std::string_view source, const json::value& call, std::string_view body);

}  // namespace chatrelay::systems::livechatoo
