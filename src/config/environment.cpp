#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/node.hpp"
#include "config/read_file.hpp"

namespace chatrelay::config {
namespace {

constexpr std::size_t credential_bytes_max = 1 << 20;  // Limit: systemd allows a credential 1 MiB

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) return invalid(path + " is a folder, not a file");
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found(std::string("cannot read ") + path + ": " + std::strerror(errno));
  std::string content;
  char buffer[16384];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    content.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (content.size() > bytes_max)
      return Error{ErrorKind::too_large, path + " is larger than " + format_size(bytes_max)};
  }
  if (in.bad()) return unavailable(std::string("cannot read ") + path + ": " + std::strerror(errno));
  return content;
}

Environment Environment::process() {
  Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  environment.file = [](const std::string& path) -> Result<std::string> {
    Result<std::string> content = read_file(path, credential_bytes_max);
    if (!content) return content;
    if (content->ends_with('\n')) content->pop_back();
    if (content->ends_with('\r')) content->pop_back();
    return content;
  };
  return environment;
}

}  // namespace chatrelay::config
