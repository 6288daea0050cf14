// Tree: a YAML document as plain values with their places. What node.hpp reads; made by yaml_reader.cpp alone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.hpp"

namespace chatrelay::config {

struct Tree {
  enum class Kind { null, scalar, list, map };
  struct Entry {
    std::string key;
    int line = 0;
    std::shared_ptr<const Tree> value;
  };
  Kind kind = Kind::null;
  int line = 0;                // from 1
  bool quoted = false;         // in quotes or block style, or tagged !!str: always a string
  std::string text;            // of a scalar
  std::vector<Entry> entries;  // of a map, in file order; duplicate keys are in it
  std::vector<std::shared_ptr<const Tree>> elements;
  std::size_t weight = 1;  // nodes, with aliases counted as often as they are used
  std::size_t depth = 1;
};

// A place in a YAML text: lines from 1.
using ReportAt = std::function<void(int line, std::string message)>;

// Limits: what a configuration or rules file may hold; an anchor bomb ends here.
inline constexpr std::size_t yaml_bytes_max = 4 << 20;
inline constexpr std::size_t yaml_nodes_max = 100'000;
inline constexpr std::size_t yaml_depth_max = 64;

// nullptr when the text cannot be read (reported) or holds no document (not reported).
std::shared_ptr<const Tree> read_yaml(std::string_view text, const ReportAt& report);

}  // namespace chatrelay::config
