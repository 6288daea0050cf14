#include "systems/rocketchat/serving_keys.hpp"

namespace chatrelay::systems::rocketchat {

const std::vector<std::string>& serving_keys() {
  static const std::vector<std::string> keys{"serve",
                                             "hosts",
                                             "origins",
                                             "operator_tokens",
                                             "limits",
                                             "delete_window",
                                             "strict",
                                             "message_length_max",
                                             "rooms_per_visitor",
                                             "transcript_to",
                                             "offline",
                                             "closed_comment",
                                             "title",
                                             "offline_title",
                                             "color",
                                             "offline_color",
                                             "welcome",
                                             "offline_welcome",
                                             "offline_success",
                                             "registration_form",
                                             "name_field",
                                             "email_field",
                                             "language",
                                             "departments"};
  return keys;
}

}  // namespace chatrelay::systems::rocketchat
