// The address that is given to LiveChat. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace chatrelay::admin::livechat {

// "https://relay.example" or the whole address ("…/hooks/livechat"). Errors: invalid, too_large (LiveChat takes 500
// characters).
Result<std::string> hook_url(std::string_view base, const std::string& source);

// What a person should know of an address that LiveChat cannot reach, or reaches in clear text. Empty: nothing.
std::string reach_warning(std::string_view url);

}  // namespace chatrelay::admin::livechat
