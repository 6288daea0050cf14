// Config: the whole configuration file, typed. What belongs to a system or a kind of destination stays a Node, which
// that room reads itself: this room knows no system and no destination.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/log.hpp"
#include "common/units.hpp"
#include "common/zone.hpp"
#include "config/node.hpp"

namespace chatrelay::config {

struct Address {
  std::string host;
  std::uint16_t port = 0;  // 0: any free one
};
Result<Address> parse_address(std::string_view text);  // "0.0.0.0:8080", "[::1]:8080", ":8080"

struct Tls {
  std::string certificate;  // PEM files
  std::string key;
};

struct Listen {
  Address public_address{"0.0.0.0", 8080};
  std::optional<Tls> tls;
  std::string public_url;
  Address admin{"127.0.0.1", 8081};
  Secret admin_token;
  std::vector<std::string> trusted_proxies;  // addresses or CIDR
  std::string site;                          // a folder whose files are served under /site/; empty: none
};

struct Limits {
  std::uint64_t body_bytes_max = 1 << 20;
  std::int64_t headers_max = 100;
  std::uint64_t header_bytes_max = 32 << 10;
  std::int64_t queue_max = 5'000'000;  // open deliveries plus unplanned events; above: 503
};

struct Retention {
  Millis events = std::chrono::days(90);
  Millis deliveries = std::chrono::days(30);
  Millis conversations = std::chrono::days(365);
};

struct Transcripts {
  Zone time_zone;  // whose times are shown; UTC
};

struct Conversations {
  std::optional<Millis> silence;  // a chat that nothing came of for so long is over; nullopt: only its system ends it
};

struct SourceConfig {
  std::string name;
  std::string system;
  Node node;                           // everything, for the system's own room
  std::optional<Millis> dedup_window;  // overrides the system's windows
  Millis ack_budget{10'000};           // how long the sender waits
  std::optional<std::uint64_t> body_bytes_max;
  std::optional<Millis> silent_after;  // source_silent is raised when nothing came for so long
};

struct RetryConfig {
  Millis first{1'000};
  Millis max = std::chrono::hours(1);
  Millis give_up_after = std::chrono::hours(24);
};

struct CircuitConfig {
  std::int64_t failures = 5;  // consecutive destination faults that open it
  Millis open_for{10'000};    // then one probe; doubles while probes fail
  Millis open_max = std::chrono::minutes(5);
  Millis ramp = std::chrono::seconds(30);  // from one at a time to full concurrency after closing
};

struct DestinationConfig {
  std::string name;
  std::string kind;       // "email", "file", "conversation"; or "connector"
  std::string connector;  // set when kind is "connector"
  Node node;
  std::optional<Rate> rate;
  std::int64_t concurrency = 8;
  Millis timeout{30'000};
  RetryConfig retry;
  CircuitConfig circuit;
  bool hold_ambiguous = false;  // ambiguous: hold
  bool allow_private = false;
};

struct Config {
  std::string file;
  Listen listen;
  std::string store_path;  // from sqlite:PATH
  Secret store_key;
  std::vector<std::string> rules;       // folders or files, absolute
  std::vector<std::string> connectors;  // folders, absolute
  Retention retention;
  Limits limits;
  Transcripts transcripts;
  Conversations conversations;
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::text;
  std::vector<SourceConfig> sources;
  std::vector<DestinationConfig> destinations;
  boost::json::object tables;
  Node presence;  // everything, for its own room

  const SourceConfig* source(std::string_view name) const;
  const DestinationConfig* destination(std::string_view name) const;
};

// Keys that every source and every destination takes; a system's room adds its own to these in Node::only.
const std::vector<std::string>& common_source_keys();
const std::vector<std::string>& common_destination_keys();

// Reads and checks the file itself. System and destination keys are checked by their rooms (app calls them).
// Always returns a Config; it may be used only if problems has no errors.
Config load_config(const std::string& file, Problems& problems, const Environment& environment);
Config parse_config(std::string_view text, const std::string& file, Problems& problems, const Environment& environment);

}  // namespace chatrelay::config
