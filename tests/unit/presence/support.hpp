// A `presence` section read from text, and times, for the tests of this folder.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "common/clock.hpp"
#include "config/config.hpp"
#include "presence/presence.hpp"
#include "presence/settings.hpp"

namespace chatrelay::presence::test {

inline WallTime at(std::string_view rfc3339) {
  const auto time = parse_rfc3339(rfc3339);
  EXPECT_TRUE(time) << rfc3339;
  return time.value_or(WallTime{});
}

// Every line of `text` is set in below `presence:`, which is line 1; so the text's first line is line 2.
struct Read {
  explicit Read(const std::string& text) {
    config::Environment environment;
    environment.variable = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
    environment.file = [](const std::string& path) -> Result<std::string> { return not_found(path); };
    std::string document = "presence:\n  ";
    for (const char c : text) document += c == '\n' ? std::string("\n  ") : std::string(1, c);
    const config::Node root = config::Document::parse(document, "relay.yaml", problems, environment);
    settings = read_settings(root["presence"]);
  }
  config::Problems problems;
  Settings settings;
};

inline Settings settings_of(const std::string& text) {
  Read read(text);
  EXPECT_EQ(read.problems.to_string(), "");
  return std::move(read.settings);
}

// The one schedule of such a text: "time_zone: …\nhours: …".
inline Schedule schedule_of(const std::string& text) {
  std::string inner = "schedules:\n  s:\n    ";
  for (const char c : text) inner += c == '\n' ? std::string("\n    ") : std::string(1, c);
  Settings settings = settings_of(inner);
  EXPECT_EQ(settings.schedules.size(), 1u);
  return settings.schedules.at(0).schedule;
}

}  // namespace chatrelay::presence::test
