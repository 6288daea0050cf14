#include "systems/livehelperchat/serving_keys.hpp"

namespace chatrelay::systems::livehelperchat {

const std::vector<std::string>& serving_keys() {
  static const std::vector<std::string> keys{"serve",       "hosts",  "origins",  "accounts",
                                             "departments", "limits", "tracking", "message_length_max",
                                             "status_cache"};
  return keys;
}

}  // namespace chatrelay::systems::livehelperchat
