// Dispatcher: takes the heads of lanes that are due and has them delivered: per destination a concurrency, a rate, a
// circuit, a pause. Lives on the delivery thread. Decisions are made by files without I/O (retry_policy, rate_limit,
// circuit, lanes); this one only carries them out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "config/config.hpp"
#include "destinations/destination.hpp"
#include "store/store.hpp"

namespace chatrelay::deliver {

struct DestinationStatus {
  std::string name;
  std::string description;
  std::string circuit;  // closed open half_open ramping
  bool paused = false;
  bool disabled = false;
  std::string reason;
  std::size_t under_way = 0;
  std::optional<WallTime> waits_until;  // throttled or circuit open until
};

struct ConfiguredDestination {
  config::DestinationConfig config;
  std::shared_ptr<destinations::Destination> destination;  // shared with attempts under way when a reload drops it
};

class Dispatcher {
 public:
  // `raise` appends an event of chatrelay's own (delivery_dead, destination_disabled): type and payload.
  using Raise = std::function<void(std::string type, boost::json::object payload)>;

  Dispatcher(boost::asio::any_io_executor executor, store::Store& store, const Clock& clock, Metrics& metrics,
             Raise raise);
  ~Dispatcher();

  // Thread: delivery, for all of these but ring.
  Result<void> start(std::vector<ConfiguredDestination> destinations);
  void reload(std::vector<ConfiguredDestination> destinations);  // attempts under way end with their old destination
  void ring();  // lanes changed. Thread: any; rings before the taker runs cost one post
  void pause(std::string name, std::string reason, std::function<void(Result<void>)> done);
  void resume(std::string name, std::function<void(Result<void>)> done);  // ends a pause or a disable; drains at a ramp
  std::vector<DestinationStatus> status() const;
  boost::asio::awaitable<Result<Outcome>> probe(std::string name);
  // One attempt outside of all lanes, of which nothing is kept: what an operator tries a destination with.
  boost::asio::awaitable<Result<Outcome>> send(std::string name, Attempt attempt);
  // The code grant of a destination's login: as Destination's. Errors: not_found, when no destination has that name.
  Result<destinations::CodeGrant> begin_grant(const std::string& name, std::string redirect_uri);
  boost::asio::awaitable<Result<boost::json::object>> finish_grant(std::string name, std::string state,
                                                                   std::string code);
  // Starts nothing new, waits for what is under way (and its outcome's commit), then cuts it; true if all ended in
  // time.
  boost::asio::awaitable<bool> drain(Millis limit);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chatrelay::deliver
