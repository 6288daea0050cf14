// Slack's way to prove itself: `verify: {slack: {signing_secret: …}}`. Signed requests (v0), the Events API's challenge
// and its event_id. https://docs.slack.dev/authentication/verifying-requests-from-slack, …/apis/events-api
#pragma once

#include <memory>

#include "systems/generic/generic_verify.hpp"

namespace chatrelay::systems::generic {

// Reads `verify.slack`; problems go to the node.
std::unique_ptr<Verification> read_slack(const config::Node& node);

}  // namespace chatrelay::systems::generic
