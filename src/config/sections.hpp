// The sections of the configuration file, each from its node. An absent section gives its defaults.
#pragma once

#include <cstdint>
#include <vector>

#include "config/config.hpp"

namespace chatrelay::config {

Listen read_listen(const Node& node);
Retention read_retention(const Node& node);
Limits read_limits(const Node& node);
Transcripts read_transcripts(const Node& node);
Conversations read_conversations(const Node& node);
void read_log(const Node& node, log::Level& level, log::Format& format);
std::vector<SourceConfig> read_sources(const Node& node);
std::vector<DestinationConfig> read_destinations(const Node& node);

// A size of a body, 1 KiB to 256 MiB.
std::uint64_t body_size(const Node& node, std::uint64_t fallback);

// A duration that must be longer than nothing.
Millis positive_duration(const Node& node, Millis fallback);

}  // namespace chatrelay::config
