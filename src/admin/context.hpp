// Context: everything the admin room needs of the running daemon, as references and functions that app fills in.
//
// Functions rather than the objects themselves, so that this room is tested without a planner or a dispatcher and never
// learns how app builds them. wire() fills in what deliver offers.
// Lifetime: whatever is referred to outlives the Api. Thread: the executor's, unless a member says otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "common/secret.hpp"
#include "config/config.hpp"
#include "deliver/dispatcher.hpp"
#include "deliver/planner.hpp"
#include "presence/presence.hpp"
#include "store/store.hpp"

namespace chatrelay::admin {

// The code grant of destinations, by name. Errors: not_found, invalid: its login takes no authorization.
struct Authorization {
  std::function<Result<destinations::CodeGrant>(std::string name, std::string redirect_uri)> begin;
  // The answer: {scope, expires_in}. Errors: not_found (the state), unauthorized (the code was refused), unavailable.
  std::function<boost::asio::awaitable<Result<boost::json::object>>(std::string name, std::string state,
                                                                    std::string code)>
      finish;
};

struct Context {
  Context(boost::asio::any_io_executor e, store::Store& s, presence::Board& p, const Clock& c, Metrics& m)
      : executor(std::move(e)), store(s), presence(p), clock(c), metrics(m) {}

  boost::asio::any_io_executor executor;  // the one that the admin server runs on
  store::Store& store;
  presence::Board& presence;
  const Clock& clock;
  Metrics& metrics;
  Secret admin_token;  // empty: none is asked for (config insists on one when admin is not on loopback)
  std::string version;
  std::string config_file;
  WallTime started_at;

  // Of deliver; wire() sets them. `done` may be called on any thread.
  std::function<void(deliver::ReplayRequest request,
                     std::function<void(Result<std::vector<deliver::ReplayPlan>>)> done)>
      replay;
  std::function<Millis()> planner_busy_for;
  std::function<std::vector<deliver::DestinationStatus>()> destination_status;
  std::function<void(std::string name, std::string reason, std::function<void(Result<void>)> done)> pause;
  std::function<void(std::string name, std::function<void(Result<void>)> done)> resume;
  std::function<boost::asio::awaitable<Result<Outcome>>(std::string name)> probe;
  std::function<boost::asio::awaitable<Result<Outcome>>(std::string name, Attempt attempt)> send;
  Authorization authorization;

  // Of app.
  // What is configured just now; its make_sources is called on this room's own reader thread, to show stored webhooks
  // decoded.
  std::function<std::shared_ptr<const deliver::PlannerSetup>()> setup;
  // Loads the configuration anew; has_errors() means that nothing was changed. `done` may be called on any thread.
  std::function<void(std::function<void(config::Problems)> done)> reload;
  // Why the daemon cannot take work now (still starting, draining, the store cannot commit); empty: it can. May be
  // unset.
  std::function<std::vector<std::string>()> not_ready;
  // Why the process is sick beyond what this room sees itself (a thread that ended). May be unset.
  std::function<std::vector<std::string>()> unhealthy;
};

void wire(Context& context, deliver::Planner& planner, deliver::Dispatcher& dispatcher);

// For http::ServerOptions::hosts_allowed of the admin port: names under which a browser on this machine may know it.
// Empty (any) when it listens on all addresses: which names lead there is not known then, and the admin token is what
// protects it.
std::vector<std::string> admin_hosts(const config::Listen& listen);

}  // namespace chatrelay::admin
