// Shell: what every verb gets: the terminal, the hooks, the global options; and how a verb says that it failed.
//
// A verb throws Failure with an exit code and a sentence for a person. It never leaves this folder: run() catches it.
// So a verb is the straight story of what it does.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "admin/cli/cli.hpp"

namespace CLI {
class App;
}

namespace chatrelay::admin::cli {

// sysexits.h, the ones we use.
namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int failed = 1;  // the command worked and says no: a test failed, a probe failed
inline constexpr int usage = 64;
inline constexpr int data = 65;         // what was named does not exist, or is not what it must be
inline constexpr int unavailable = 69;  // the daemon does not answer
inline constexpr int internal = 70;
inline constexpr int io = 74;
inline constexpr int no_permission = 77;
inline constexpr int config = 78;
}  // namespace exit_code

struct Failure : std::runtime_error {
  Failure(int c, const std::string& message) : std::runtime_error(message), code(c) {}
  int code;
};
int exit_code_of(ErrorKind kind);
inline Failure failure_of(const Error& error) {
  return Failure(exit_code_of(error.kind), error.message);
}

struct Shell {
  Shell(Terminal& t, const Hooks& h) : terminal(t), hooks(h) {}
  Terminal& terminal;
  const Hooks& hooks;
  std::string config_option, admin_option;  // --config, --admin
  std::function<int()> action;              // set by the verb that was named; gives the exit code

  std::ostream& out() { return terminal.out; }
  std::ostream& err() { return terminal.err; }
  std::string config_file() const;          // --config, CHATRELAY_CONFIG, /etc/chatrelay/chatrelay.yaml
  config::Environment environment() const;  // the process's, with the terminal's variables
  // Loads the whole file. Throws Failure (78) with every problem.
  config::Config load_config(config::Problems& problems) const;
  // Prints the question, reads one line. Throws Failure (64) at the end of input.
  std::string ask(const std::string& question);
};

// Reads a whole file, or standard input for "-". Throws Failure (74).
std::string read_file(Shell& shell, const std::string& path);

// A verb adds itself to the parser; when it was named, it sets shell.action.
void add_serve(CLI::App& app, Shell& shell);
void add_check(CLI::App& app, Shell& shell);
void add_rules(CLI::App& app, Shell& shell);
void add_connectors(CLI::App& app, Shell& shell);
void add_events(CLI::App& app, Shell& shell);
void add_chats(CLI::App& app, Shell& shell);
void add_deliveries(CLI::App& app, Shell& shell);
void add_links(CLI::App& app, Shell& shell);
void add_replay(CLI::App& app, Shell& shell);
void add_destinations(CLI::App& app, Shell& shell);
void add_presence(CLI::App& app, Shell& shell);
void add_send(CLI::App& app, Shell& shell);
void add_webhooks(CLI::App& app, Shell& shell);
void add_sink(CLI::App& app, Shell& shell);
void add_backup(CLI::App& app, Shell& shell);
void add_restore(CLI::App& app, Shell& shell);
void add_reload(CLI::App& app, Shell& shell);
void add_init(CLI::App& app, Shell& shell);
void add_hash(CLI::App& app, Shell& shell);
void add_version(CLI::App& app, Shell& shell);

}  // namespace chatrelay::admin::cli
