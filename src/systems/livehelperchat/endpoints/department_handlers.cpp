#include "systems/livehelperchat/endpoints/department_handlers.hpp"

#include <utility>

namespace chatrelay::systems::livehelperchat::endpoints {

namespace {

// Those that the account sees.
json::array departments_of(const Api& api, const Ask& ask) {
  json::array list;
  for (const Department& department : api.serving().departments)
    if (ask.account->sees(department.id)) list.push_back(department_record(department));
  return list;
}

awaitable<Reply> departaments(Api& api, Ask& ask) {
  json::array list = departments_of(api, ask);
  json::object body;
  const std::size_t count = list.size();
  body["list"] = std::move(list);
  body["list_count"] = count;
  body["error"] = false;
  co_return Reply(json::value(std::move(body)));
}

awaitable<Reply> departments(Api& api, Ask& ask) {
  co_return done(departments_of(api, ask));
}

Route list_route(std::string_view view, Handler handler, std::string_view summary) {
  Route route;
  route.view = view;
  route.methods = {"GET"};
  route.handler = handler;
  route.shape = Shape::result_400;
  route.summary = summary;
  return route;
}

}  // namespace

// The columns of Live Helper Chat's table that say something here. Switches are numbers there.
json::object department_record(const Department& department) {
  json::object record;
  record["id"] = department.id;
  record["name"] = department.name;
  record["email"] = "";
  record["identifier"] = "";
  record["priority"] = 0;
  record["disabled"] = department.disabled ? 1 : 0;
  record["hidden"] = department.hidden ? 1 : 0;
  return record;
}

std::vector<Route> department_routes() {
  return {list_route("departaments", &departaments, "The departments, with their count"),
          list_route("departments", &departments, "The departments")};
}

}  // namespace chatrelay::systems::livehelperchat::endpoints
