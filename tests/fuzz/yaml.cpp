// The loader of an operator's file: any bytes give a Config and a list of problems, never a crash, never an endless
// walk.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/config.hpp"

using namespace chatrelay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::Problems problems;
  config::Environment environment;
  environment.variable = [](const std::string& name) {
    return name == "SET" ? std::optional<std::string>("value") : std::nullopt;
  };
  environment.file = [](const std::string&) { return Result<std::string>(not_found("no such file")); };
  const config::Config config = config::parse_config(std::string_view(reinterpret_cast<const char*>(data), size),
                                                     "fuzz.yaml", problems, environment);
  for (const auto& source : config.sources) (void)source.node.json(true);
  (void)problems.to_string();
  return 0;
}
