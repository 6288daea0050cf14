// TrackingVid: the vid by which Live Helper Chat's clients name a visitor, and the secret that stands for it in the
// store. A vid stands in URLs and logs of others, so it is never stored: who knows it finds the visitor, who reads the
// store does not find it. Pure but for new_vid.
#pragma once

#include <string>
#include <string_view>

namespace chatrelay::systems::livehelperchat::endpoints {

// One that we would have made, or that is long enough to be nobody else's: 21 to 50 letters, digits, '-' and '_'. A
// shorter one is replaced, as in Live Helper Chat, and the client adopts what it is told.
bool is_usable_vid(std::string_view vid);
std::string new_vid();                            // 32 hexadecimal digits
std::string visitor_token(std::string_view vid);  // of a vid; the same for ever
std::string new_chat_hash();                      // 40 hexadecimal digits

}  // namespace chatrelay::systems::livehelperchat::endpoints
