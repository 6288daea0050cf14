// DepartmentHandlers: the configured departments, as `departaments` and as `departments` show them.
// department_routes() (api.hpp) is the door; here is the record of one.
#pragma once

#include "systems/livehelperchat/endpoints/api.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

json::object department_record(const Department& department);

}  // namespace chatrelay::systems::livehelperchat::endpoints
