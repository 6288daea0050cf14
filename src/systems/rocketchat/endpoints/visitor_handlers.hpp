// POST visitor, GET and DELETE visitor/:token, GET visitor/:token/room, POST visitor.status (visitor_handlers.cpp), and
// what a visitor's page tells of it: custom.field, custom.fields, page.visited (visitor_data_handlers.cpp).
//
// A visitor is found by the token alone: never by phone or e-mail, which others may know.
#pragma once

#include "systems/rocketchat/endpoints/api.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

std::vector<Route> visitor_data_routes();

}  // namespace chatrelay::systems::rocketchat::endpoints
