// Asks the hook of a source whether it takes a secret, as LiveChat would send it. Leaves no event.
#pragma once

#include <string>

#include "admin/livechat/configuration_api.hpp"

namespace chatrelay::admin::livechat {

struct ProbeAnswer {
  enum class Kind {
    takes,    // a 200: the relay behind the address knows the secret
    refuses,  // a 401: it does not (yet)
    silent,   // nothing, or something that is no relay
  };
  Kind kind = Kind::silent;
  std::string reason;  // of silent; safe to print
};

ProbeAnswer probe_hook(const Hook& hook, const Send& send);

}  // namespace chatrelay::admin::livechat
