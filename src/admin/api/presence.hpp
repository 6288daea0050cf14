// Presence on the operator's API: who is online and why; setting it by hand. Functions of a Board, so that they are
// tested without the rest of the daemon; handlers hand them their fields.
#pragma once

#include "admin/api/fields.hpp"
#include "http/server.hpp"
#include "presence/presence.hpp"

namespace chatrelay::admin::api {

// GET /api/presence: no fields; Board::show().
http::Response presence_shown(const presence::Board& board, Fields& fields);

// POST /api/presence: `state` (online, offline, or auto: no longer by hand) with `user` (number, username, e-mail or
// agent) or `department` (number) or neither: the whole. Answer: {what, id, state, online}. Errors: 400, 404; 409 when
// the configuration has no presence.
http::Response presence_set(presence::Board& board, Fields& fields);

}  // namespace chatrelay::admin::api
