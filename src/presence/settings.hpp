// Settings: what the configuration says under `presence`, checked. presence.md describes the YAML.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "config/node.hpp"
#include "presence/schedule.hpp"

namespace chatrelay::presence {

// Limits: each bounds what one change makes the Board look at, or one poll asks.
inline constexpr std::size_t users_max = 5'000;
inline constexpr std::size_t departments_max = 1'000;
inline constexpr std::size_t schedules_max = 200;
inline constexpr std::size_t upstream_questions_max = 200;

struct NamedSchedule {
  std::string name;
  Schedule schedule;
};

struct User {
  std::int64_t id = 0;
  std::string agent;  // LiveChat's id of the agent: an e-mail address, or a bot's hash
  std::string username, email;
  std::string name;
  std::vector<std::int64_t> departments;  // {0}: all of them
  bool bot = false;
  std::optional<std::size_t> schedule;   // index into Settings::schedules
  std::optional<std::int64_t> upstream;  // their id at the upstream system
};

struct Department {
  std::int64_t id = 0;
  std::string name;
  std::optional<std::size_t> schedule;
  std::optional<std::int64_t> upstream;
};

struct Upstream {
  std::string url;  // without a slash at its end; /restapi/isonline follows
  Millis every{30'000};
  Millis timeout{10'000};
  Millis keep = std::chrono::minutes(10);  // how long an answer counts when no newer one comes
  bool fallback = false;                   // what counts when there is none
  bool exclude_bot = false;                // are sent with the questions that take them
  bool exclude_online_hours = false;
  bool allow_private = false;
  std::string ca_file;
};

struct Settings {
  bool configured = false;
  std::vector<NamedSchedule> schedules;
  std::optional<std::size_t> schedule;  // the hours of the whole
  std::vector<User> users;
  std::vector<Department> departments;
  std::optional<Upstream> upstream;
};

// Reads the node `presence`. Everything that is wrong is a problem at its place; what comes back may be used only if
// there is none.
Settings read_settings(const config::Node& node);

}  // namespace chatrelay::presence
