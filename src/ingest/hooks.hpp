// Hooks: POST /hooks/<source>[/<secret>]; of a system whose senders choose (systems::HookManners) PUT and DELETE too.
// Authenticate, name, commit, answer, ring: the accept path, and nothing more.
// Invariant 1: a 2xx is sent only after the store's callback said that the webhook is committed and synced.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "config/config.hpp"
#include "http/server.hpp"
#include "store/store.hpp"
#include "systems/source.hpp"

namespace chatrelay::ingest {

struct ConfiguredSource {
  config::SourceConfig config;
  std::unique_ptr<systems::Source> source;  // ingest's own instance
};

class Hooks {
 public:
  Hooks(boost::asio::any_io_executor executor, store::Store& store, const Clock& clock, Metrics& metrics);
  ~Hooks();

  // Thread: ingest, for all of these.
  void set_sources(std::map<std::string, ConfiguredSource> sources);
  // Answers 404 405 413 400 401 503 or the source's own status. `request.path()` begins with /hooks/.
  boost::asio::awaitable<http::Response> handle(http::Request& request);
  // When an authentic webhook of this source came last, since the start. For SilenceAlarm.
  std::optional<SteadyTime> last_heard(std::string_view source) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chatrelay::ingest
