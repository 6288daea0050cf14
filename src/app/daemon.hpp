// Daemon: `chatrelay serve`. Builds everything in order, runs it on its threads, reloads it whole or not at all, drains
// it.
//
// Threads: ingest (public port), store writer (in the store), planner (in deliver), delivery (destinations, admin
// port), and this one, which only waits for signals and keeps the house: retention, the watchdog, reloads.
#pragma once

#include <string>

namespace chatrelay::app {

// Runs until SIGTERM or SIGINT. Returns a sysexits code: 0 after a drain, 78 for a configuration or store that cannot
// be used, 69 when a port is taken.
int serve(const std::string& config_file);

}  // namespace chatrelay::app
