// Served: the endpoints of all served sources on the public port. A request goes to a system by its path and, where
// several sources of that system are served, to one of them by its Host header, or by the source that its query names.
//
// Thread: ingest, for everything. Lifetime: a request under way keeps the Endpoints that it began with, whatever
// set() puts in their place.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "config/config.hpp"
#include "http/server.hpp"
#include "systems/endpoints.hpp"

namespace chatrelay::app {

struct ServedSource {
  std::string source;
  bool (*serves)(std::string_view path) = nullptr;
  bool named_in_query = false;     // told apart by ?source=NAME, which may be left out where there is only one
  std::vector<std::string> hosts;  // as in host_name(); none: takes what no other source of these paths takes
  std::shared_ptr<systems::Endpoints> endpoints;
};

// A Host header as `hosts` has it: lower case, without port, without a dot at the end. Empty: not a host.
std::string host_name(std::string_view host_header);

// What serves this source: nullptr if nothing does.
const systems::EndpointKind* serving_kind(const config::SourceConfig& source);
// Reports hosts that cannot be told apart: served sources of one system of which two have the same, or both none.
void check_hosts(const config::Config& config);

class Served {
 public:
  // What was there before answers its long polls; their clients come back to the new ones.
  void set(std::vector<ServedSource> sources);
  boost::asio::awaitable<http::Response> handle(http::Request& request) const;
  void stop_waiting();

 private:
  const ServedSource* find(const http::Request& request) const;  // nullptr: nobody's
  std::vector<ServedSource> sources_;
};

}  // namespace chatrelay::app
