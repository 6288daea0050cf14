// Serving: what a source with `serve: true` says of the REST API that we serve for it. Read from the source's node, all
// problems at once. `hosts` is only checked here; who routes requests reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "common/units.hpp"
#include "config/config.hpp"
#include "systems/livehelperchat/endpoints/tracking_settings.hpp"

namespace chatrelay::systems::livehelperchat::endpoints {

// Who may call: with a key (in clear or hashed), with a password, or with either.
struct Account {
  Account() {}
  std::string user;   // the name that a key goes with
  std::string email;  // a login with a password may use it instead
  Secret key;
  std::string key_hash;                   // of `chatrelay hash`, or of PHP's password_hash()
  std::string password_hash;              // likewise
  std::int64_t id = 0;                    // the operator's number; 0: as presence has it
  std::vector<std::int64_t> departments;  // empty, or with 0 in it: all
  std::vector<std::string> permissions;   // "lhchat,use", "lhchat,*", "*"
  bool all_permissions = true;            // `permissions` was not given

  bool has(std::string_view permission) const;
  bool sees(std::int64_t department) const;
};

struct Department {
  Department() {}
  std::int64_t id = 0;
  std::string name;
  bool hidden = false;
  bool disabled = false;
};

struct Limits {
  Rate per_key{180, std::chrono::minutes(1)};       // of one account
  Rate per_address{600, std::chrono::minutes(1)};   // of one address's calls without an account, but isonline*
  Rate failed_logins{10, std::chrono::minutes(1)};  // of one address
};

struct Serving {
  std::string source;
  std::vector<std::string> hosts;
  std::vector<std::string> origins;  // empty, or "*": everybody's scripts may call, as in Live Helper Chat
  std::vector<Account> accounts;
  std::vector<Department> departments;
  Limits limits;
  TrackingSettings tracking;
  std::int64_t message_length_max = 500;           // characters
  Millis status_cache = std::chrono::seconds(10);  // how long browsers and proxies may keep isonline*; 0: not at all

  // nullptr: none of that number.
  const Department* department(std::int64_t id) const;
  // The number of a department as a chat has it: by its name, or by its digits; nullopt: neither.
  std::optional<std::int64_t> department_number(std::string_view text) const;
};

Serving read_serving(const config::SourceConfig& config);
void check_serving(const config::SourceConfig& config, const config::Config& whole, config::Problems& problems);

}  // namespace chatrelay::systems::livehelperchat::endpoints
