// Serving: what a source with `serve: true` says of the endpoints that we serve for it. Read from the source's node,
// all problems at once. Keys of several served sources that tell them apart (`hosts`) are only checked here; who routes
// requests reads them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "common/units.hpp"
#include "config/config.hpp"

namespace chatrelay::systems::rocketchat::endpoints {

enum class Limit { standard, message, visitor, room, history, offline_message };

// Rates are of one visitor's token; an address may exceed them by the factor `per_address` (an office behind one
// address), but for offline messages, which have no token.
struct Limits {
  Rate standard{60, std::chrono::minutes(1)};
  Rate message{60, std::chrono::minutes(1)};
  Rate visitor{20, std::chrono::minutes(1)};
  Rate room{20, std::chrono::minutes(1)};
  Rate history{120, std::chrono::minutes(1)};
  Rate offline_message{12, std::chrono::minutes(1)};
  std::int64_t per_address = 20;
  const Rate& of(Limit limit) const;
};

struct Serving {
  std::string source;
  std::vector<std::string> hosts;
  std::vector<std::string> origins;  // "https://shop.example", or "*"
  std::vector<Secret> operator_tokens;
  Limits limits;
  Millis delete_window = std::chrono::minutes(15);
  bool strict = false;                     // a message is never deleted by its id alone
  std::int64_t message_length_max = 5000;  // UTF-16 units
  std::int64_t rooms_per_visitor = 100;
  std::string transcript_to;  // a mail destination; empty: no transcripts
  bool offline = true;        // the offline form is shown and taken
  std::string closed_comment = "Closed by visitor";
  // What `config` shows.
  std::string title = "Need help?";
  std::string offline_title = "Leave a message";
  std::string color = "#175CC4", offline_color = "#666666";
  std::string welcome;             // shown when a chat starts
  std::string offline_welcome;     // shown above the offline form
  std::string offline_success;     // shown after it was sent
  bool registration_form = false;  // ask for name and e-mail first
  bool name_field = true, email_field = true;
  std::string language = "en";
  std::vector<std::string> departments;

  bool is_operator(std::string_view token) const;  // in constant time
};

Serving read_serving(const config::SourceConfig& config);
// `whole`: to look up the destination that `transcript_to` names.
void check_serving(const config::SourceConfig& config, const config::Config& whole, config::Problems& problems);

}  // namespace chatrelay::systems::rocketchat::endpoints
