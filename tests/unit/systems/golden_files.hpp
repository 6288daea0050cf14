// Golden cases: tests/golden/<system>/*.txt. Sections apart by a line of dashes; the last one is the events (null and
// empty members left out, raw apart). A new case is a new file; with CHATRELAY_GOLDEN_UPDATE=1 in the environment the
// expected part is written, to be read by a person before it is committed.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "systems_support.hpp"

namespace chatrelay::testing {

inline const std::string golden_dashes = "\n----------\n";

inline std::vector<std::string> golden_files(const std::string& system) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CHATRELAY_TESTS_DIR) + "/golden/" + system))
    if (entry.path().extension() == ".txt") out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

inline std::vector<std::string> golden_sections(const std::string& text) {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (std::size_t at = text.find(golden_dashes); at != std::string::npos; at = text.find(golden_dashes, from)) {
    out.push_back(text.substr(from, at - from));
    from = at + golden_dashes.size();
  }
  out.push_back(text.substr(from));
  return out;
}

inline void print_golden(const json::value& value, std::string& out, const std::string& indent = "") {
  const auto short_text = [](const json::value& v) { return json::serialize(v).size() <= 100; };
  if ((value.is_object() || value.is_array()) && !short_text(value)) {
    const bool object = value.is_object();
    out += object ? "{" : "[";
    bool first = true;
    const auto next = [&] {
      out += (first ? "\n" : ",\n") + indent + "  ";
      first = false;
    };
    if (object)
      for (const auto& member : value.get_object()) {
        next();
        out += json::serialize(json::value(member.key())) + ": ";
        print_golden(member.value(), out, indent + "  ");
      }
    else
      for (const json::value& entry : value.get_array()) {
        next();
        print_golden(entry, out, indent + "  ");
      }
    out += "\n" + indent + (object ? "}" : "]");
    return;
  }
  out += json::serialize(value);
}

inline void check_golden(const std::string& file, const std::vector<std::string>& parts,
                         const std::vector<Event>& events) {
  json::array got;
  for (const Event& event : events) got.push_back(described(event));
  std::string text;
  print_golden(got, text);
  if (std::getenv("CHATRELAY_GOLDEN_UPDATE")) {
    std::string whole;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) whole += parts[i] + golden_dashes;
    std::ofstream(file, std::ios::binary) << whole << text << "\n";
    return;
  }
  const auto expected = parse_json(parts.back());
  ASSERT_TRUE(expected.has_value()) << file << ": the expected part is not JSON";
  EXPECT_EQ(json::serialize(*expected), json::serialize(got)) << file << "\ngot:\n" << text;
}

inline std::string golden_case_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

}  // namespace chatrelay::testing
