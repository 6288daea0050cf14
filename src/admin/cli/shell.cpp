#include "admin/cli/shell.hpp"

#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>

namespace chatrelay::admin::cli {

int exit_code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
    case ErrorKind::not_found:
    case ErrorKind::conflict:
    case ErrorKind::too_large:
      return exit_code::data;
    case ErrorKind::unauthorized:
      return exit_code::no_permission;
    case ErrorKind::unavailable:
      return exit_code::unavailable;
    case ErrorKind::internal:
      return exit_code::internal;
  }
  return exit_code::internal;
}

std::string Shell::config_file() const {
  if (!config_option.empty()) return config_option;
  if (const auto named = terminal.variable("CHATRELAY_CONFIG"); named && !named->empty()) return *named;
  return "/etc/chatrelay/chatrelay.yaml";
}

config::Environment Shell::environment() const {
  config::Environment environment = config::Environment::process();
  environment.variable = terminal.variable;
  return environment;
}

config::Config Shell::load_config(config::Problems& problems) const {
  auto loaded = config::load_config(config_file(), problems, environment());
  if (problems.has_errors())
    throw Failure(exit_code::config, "the configuration has problems:\n" + problems.to_string());
  return loaded;
}

std::string Shell::ask(const std::string& question) {
  terminal.out << question << std::flush;
  std::string line;
  if (!std::getline(terminal.in, line)) throw Failure(exit_code::usage, "no answer");
  return line;
}

std::string read_file(Shell& shell, const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(shell.terminal.in), {}};
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) throw Failure(exit_code::io, "cannot read " + path);
  return bytes;
}

}  // namespace chatrelay::admin::cli
