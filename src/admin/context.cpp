#include "admin/context.hpp"

#include <utility>

namespace chatrelay::admin {

void wire(Context& context, deliver::Planner& planner, deliver::Dispatcher& dispatcher) {
  context.replay = [&planner](deliver::ReplayRequest request,
                              std::function<void(Result<std::vector<deliver::ReplayPlan>>)> done) {
    planner.replay(std::move(request), std::move(done));
  };
  context.planner_busy_for = [&planner] { return planner.busy_for(); };
  context.destination_status = [&dispatcher] { return dispatcher.status(); };
  context.pause = [&dispatcher](std::string name, std::string reason, std::function<void(Result<void>)> done) {
    dispatcher.pause(std::move(name), std::move(reason), std::move(done));
  };
  context.resume = [&dispatcher](std::string name, std::function<void(Result<void>)> done) {
    dispatcher.resume(std::move(name), std::move(done));
  };
  context.authorization.begin = [&dispatcher](std::string name, std::string redirect_uri) {
    return dispatcher.begin_grant(name, std::move(redirect_uri));
  };
  context.authorization.finish = [&dispatcher](std::string name, std::string state, std::string code) {
    return dispatcher.finish_grant(std::move(name), std::move(state), std::move(code));
  };
  context.send = [&dispatcher](std::string name, Attempt attempt) {
    return dispatcher.send(std::move(name), std::move(attempt));
  };
  context.probe = [&dispatcher](std::string name) { return dispatcher.probe(std::move(name)); };
}

std::vector<std::string> admin_hosts(const config::Listen& listen) {
  const std::string& host = listen.admin.host;
  if (host.empty() || host == "0.0.0.0" || host == "::" || host == "*") return {};
  std::vector<std::string> hosts{"localhost", "127.0.0.1", "[::1]", "::1"};
  hosts.push_back(host);
  if (host.find(':') != std::string::npos) hosts.push_back("[" + host + "]");
  return hosts;
}

}  // namespace chatrelay::admin
