// Sources and destinations: what all of them share. The rest of their keys is read by their own rooms.
#include <algorithm>
#include <chrono>

#include "common/text.hpp"
#include "config/sections.hpp"

namespace chatrelay::config {
namespace {

// Names stand in URLs (/hooks/<source>), metrics and logs: [a-z0-9][a-z0-9_-]*. Limit: 64 characters.
bool is_party_name(std::string_view name) {
  const auto lower_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 64 && lower_or_digit(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return lower_or_digit(c) || c == '_' || c == '-'; });
}

bool check_party(const Node& node, const std::string& name) {
  if (!is_party_name(name)) {
    node.problem(
        "has a name that cannot be used: a name is at most 64 of a-z, 0-9, _ and -, and starts with a letter or digit");
    return false;
  }
  if (!node.is_map()) {
    node.problem("must be a map (key: value)");
    return false;
  }
  return true;
}

// How long a sender waits for its answer before it counts the webhook as failed.
Millis default_ack_budget(std::string_view system) {
  return system == "rocketchat" ? std::chrono::seconds(5) : std::chrono::seconds(10);
}

// A misspelt key, where one of `wanted` is missing: ", or is NAME meant?"; "" if none is near.
std::string misspelt(const Node& node, std::initializer_list<std::string_view> wanted) {
  for (const std::string& key : node.keys())
    if (!nearest(key, wanted.begin(), wanted.size()).empty())
      return "; is \"" + printable(key, 80) + "\" meant to be it?";
  return {};
}

SourceConfig read_source(const Node& node, const std::string& name) {
  SourceConfig source;
  source.name = name;
  source.node = node;
  if (node["system"].present())
    source.system = node["system"].required_string();
  else
    node["system"].problem("is missing" + misspelt(node, {"system"}));
  const Node dedup = node["dedup"];
  dedup.only({"window"});
  if (dedup["window"].present()) source.dedup_window = dedup["window"].duration(Millis{0});
  source.ack_budget = positive_duration(node["ack_budget"], default_ack_budget(source.system));
  const Node limits = node["limits"];
  // What a source serves has limits of its own, which its system reads and checks.
  if (!node["serve"].boolean(false)) limits.only({"body"});
  if (limits["body"].present()) source.body_bytes_max = body_size(limits["body"], Limits().body_bytes_max);
  if (node["silent_after"].present())
    source.silent_after = positive_duration(node["silent_after"], std::chrono::hours(24));
  return source;
}

RetryConfig read_retry(const Node& node) {
  RetryConfig retry;
  node.only({"first", "max", "give_up_after"});
  retry.first = positive_duration(node["first"], retry.first);
  retry.max = positive_duration(node["max"], std::max(retry.max, retry.first));
  retry.give_up_after = positive_duration(node["give_up_after"], retry.give_up_after);
  if (retry.max < retry.first) node["max"].problem("is shorter than retry.first");
  return retry;
}

CircuitConfig read_circuit(const Node& node) {
  CircuitConfig circuit;
  node.only({"failures", "open_for", "open_max", "ramp"});
  circuit.failures = node["failures"].integer(circuit.failures, 1, 1'000'000);
  circuit.open_for = positive_duration(node["open_for"], circuit.open_for);
  circuit.open_max = positive_duration(node["open_max"], std::max(circuit.open_max, circuit.open_for));
  circuit.ramp = node["ramp"].duration(circuit.ramp);
  if (circuit.open_max < circuit.open_for) node["open_max"].problem("is shorter than circuit.open_for");
  return circuit;
}

void read_kind(const Node& node, DestinationConfig& destination) {
  const bool has_kind = node["kind"].present();
  const bool has_connector = node["connector"].present();
  if (has_kind == has_connector) {
    node.problem(has_kind ? "has both kind: and connector:; it takes one of them"
                          : "needs connector: (an HTTP service, like webhook) or kind: (email or file)" +
                                misspelt(node, {"kind", "connector"}));
    return;
  }
  destination.kind = has_connector ? "connector" : node["kind"].required_string();
  if (has_connector) destination.connector = node["connector"].required_string();
}

DestinationConfig read_destination(const Node& node, const std::string& name) {
  DestinationConfig destination;
  destination.name = name;
  destination.node = node;
  read_kind(node, destination);
  destination.rate = node["rate"].rate();
  destination.concurrency = node["concurrency"].integer(destination.concurrency, 1, 1'000);
  const Node timeout = node["timeout"];
  destination.timeout = positive_duration(timeout, destination.timeout);
  // Limit: an attempt holds a connection and a slot for as long.
  if (destination.timeout > std::chrono::hours(1)) timeout.problem("is longer than an hour");
  destination.retry = read_retry(node["retry"]);
  destination.circuit = read_circuit(node["circuit"]);
  destination.hold_ambiguous = node["ambiguous"].one_of<bool>({{"retry", false}, {"hold", true}}, false);
  destination.allow_private = node["allow_private"].boolean(false);
  return destination;
}

template <class Party, class Read>
std::vector<Party> read_parties(const Node& node, Read read) {
  std::vector<Party> out;
  if (!node.present()) return out;
  if (!node.is_map()) {
    node.problem("must be a map of names");
    return out;
  }
  for (const std::string& name : node.keys())
    if (check_party(node[name], name)) out.push_back(read(node[name], name));
  return out;
}

}  // namespace

const std::vector<std::string>& common_source_keys() {
  static const std::vector<std::string> keys{"system", "dedup", "ack_budget", "limits", "silent_after"};
  return keys;
}

const std::vector<std::string>& common_destination_keys() {
  static const std::vector<std::string> keys{"kind",  "connector", "rate",    "concurrency",   "timeout",
                                             "retry", "ambiguous", "circuit", "allow_private", "or_else"};
  return keys;
}

std::vector<SourceConfig> read_sources(const Node& node) {
  std::vector<SourceConfig> sources = read_parties<SourceConfig>(node, read_source);
  for (const SourceConfig& source : sources)
    // The name of the source of the relay's own events (event/event.hpp; this room does not see that one).
    if (source.name == "chatrelay") source.node.problem("cannot have this name: chatrelay's own events come from it");
  return sources;
}

std::vector<DestinationConfig> read_destinations(const Node& node) {
  return read_parties<DestinationConfig>(node, read_destination);
}

}  // namespace chatrelay::config
