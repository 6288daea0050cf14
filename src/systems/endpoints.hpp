// Endpoints: the contract of what a system serves on the public port in its own dialect, for a source with
// `serve: true`. They wait for the store's commit before they answer: a 2xx means committed and synced (Invariant 1).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "common/room_bell.hpp"
#include "config/config.hpp"
#include "http/server.hpp"
#include "presence/presence.hpp"
#include "rules/rules.hpp"
#include "store/store.hpp"

namespace chatrelay::systems {

// What endpoints are made with. References outlive them.
struct EndpointContext {
  boost::asio::any_io_executor executor;  // ingest's
  store::Store& store;
  const Clock& clock;
  Metrics& metrics;
  RoomBell& bell;                               // rung by everybody who commits into a room
  std::shared_ptr<const rules::RuleSet> rules;  // those of the same configuration
  presence::Board& presence;                    // who is online
  // The source's; the server itself takes what the widest of all sources takes.
  std::uint64_t body_bytes_max = 1 << 20;
};

class Endpoints {
 public:
  virtual ~Endpoints() = default;
  // Thread: ingest. Must not throw. Lifetime: the caller keeps the Endpoints until the answer is there, also when a
  // reload put others in their place.
  virtual boost::asio::awaitable<http::Response> handle(http::Request& request) = 0;
  // Answers what waits for news (long polls) at once: the server drains.
  virtual void stop_waiting() = 0;
};

// What app's registration table says of a system that serves.
struct EndpointKind {
  std::string_view system;
  bool (*serves)(std::string_view path);  // is this path, as the request line has it, one of the system's? Cheap
  // Reports everything wrong with the serving keys of the source's node. Nodes of sources that are not served are not
  // shown here.
  void (*check)(const config::SourceConfig& config, const config::Config& whole, config::Problems& problems);
  // Called only when nothing was wrong. `transcripts` and the like name destinations: deliveries to them are planned
  // by rules as everywhere.
  std::unique_ptr<Endpoints> (*make)(const config::SourceConfig& config, const EndpointContext& context);
  // true: a companion of the source's hook. Every source of the system has it unless it says `serve: false`, requests
  // name the one they mean (?source=NAME) where there are several, and no conversations are kept.
  bool accompanies_hook = false;
};

}  // namespace chatrelay::systems
