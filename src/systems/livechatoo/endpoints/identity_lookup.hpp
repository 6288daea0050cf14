// The request that asks the website whose session a value is, and what its answer means. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "http/client.hpp"
#include "systems/livechatoo/endpoints/identity_config.hpp"

namespace chatrelay::systems::livechatoo::endpoints {

// nullopt: the value cannot be one that the website gave out (blank, no cookie of that name, control characters).
// Invariant 10: it cannot add a parameter, a header or another cookie.
std::optional<http::ClientRequest> lookup_request(const Lookup& lookup, std::string_view value);

enum class Found {
  document,     // an answer that `answer` is asked of
  nobody,       // 3xx (to a login), 401, 403, 404, 410: no such session
  unavailable,  // anything else: tells nothing about the value
};
Found judge(const http::ClientResponse& response);

}  // namespace chatrelay::systems::livechatoo::endpoints
