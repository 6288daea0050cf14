// A configuration text read with a made-up environment, for the tests of this folder.
#pragma once

#include <map>
#include <string>

#include "config/config.hpp"
#include "config/node.hpp"

namespace chatrelay::config {

inline Environment test_environment(std::map<std::string, std::string> variables = {},
                                    std::map<std::string, std::string> files = {}) {
  Environment environment;
  environment.variable = [variables](const std::string& name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
  environment.file = [files](const std::string& path) -> Result<std::string> {
    const auto at = files.find(path);
    if (at == files.end()) return not_found("cannot read " + path);
    return at->second;
  };
  return environment;
}

struct Parsed {
  explicit Parsed(const std::string& text, Environment environment = test_environment())
      : root(Document::parse(text, "/etc/relay/config.yaml", problems, environment)) {}
  Problems problems;
  Node root;
};

}  // namespace chatrelay::config
