#include "admin/cli/cli.hpp"

#include <cstdlib>
#include <iostream>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

#include "admin/cli/shell.hpp"
#include "common/text.hpp"

namespace chatrelay::admin::cli {
namespace {

std::size_t columns_of(int file) {
  winsize size{};
  if (!::isatty(file)) return 0;
  return ::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void add_everything(CLI::App& app, Shell& shell) {
  app.description("chatrelay: webhooks of live-chat systems, delivered by rules");
  app.footer(
      "Exit codes follow sysexits.h: 64 usage, 65 what was named does not fit, 69 the daemon does not answer, 70 "
      "internal,\n"
      "74 input or output, 77 permission, 78 configuration; 1: a test or a probe failed.\n"
      "`chatrelay COMMAND --help`, or `chatrelay help COMMAND`, has examples.");
  app.fallthrough();  // inherited: --config and --admin may stand anywhere on the line
  app.require_subcommand(1);
  app.add_option("--config", shell.config_option,
                 "the configuration (else CHATRELAY_CONFIG, else /etc/chatrelay/chatrelay.yaml)");
  app.add_option("--admin", shell.admin_option,
                 "HOST:PORT of the daemon's admin port (else CHATRELAY_ADMIN, else the configuration's listen.admin)");
  app.set_version_flag("--version", std::string("chatrelay ") + CHATRELAY_VERSION, "print the version");
  add_init(app, shell);
  add_serve(app, shell);
  add_check(app, shell);
  add_rules(app, shell);
  add_connectors(app, shell);
  add_events(app, shell);
  add_chats(app, shell);
  add_deliveries(app, shell);
  add_links(app, shell);
  add_replay(app, shell);
  add_destinations(app, shell);
  add_presence(app, shell);
  add_send(app, shell);
  add_webhooks(app, shell);
  add_sink(app, shell);
  add_reload(app, shell);
  add_backup(app, shell);
  add_restore(app, shell);
  add_hash(app, shell);
  add_version(app, shell);
}

// `chatrelay help events list` is `chatrelay events list --help`.
std::vector<std::string> with_help_last(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
  return arguments;
}

// The command that the words before the one that cannot be understood name.
const CLI::App& named_command(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

// CLI11 only says that a command is missing.
std::string usage_problem(const CLI::App& app, const CLI::App& command, const std::string& what) {
  const std::vector<std::string> left = app.remaining(true);
  if (left.empty() || left.front().starts_with("-") || command.get_subcommands({}).empty()) return what;
  std::vector<std::string> names;
  for (const CLI::App* one : command.get_subcommands({})) names.push_back(one->get_name());
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view near = nearest(left.front(), views.data(), views.size());
  return "there is no command \"" + left.front() + "\"" +
         (near.empty() ? std::string() : "; did you mean " + std::string(near) + "?");
}

int parse(CLI::App& app, Shell& shell, std::vector<std::string> arguments) {
  try {
    std::reverse(arguments.begin(), arguments.end());  // what CLI11 wants of a vector
    app.parse(arguments);
    return exit_code::ok;
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream nothing;
    app.exit(asked, shell.out(), nothing);
    return -1;
  } catch (const CLI::ParseError& error) {
    const CLI::App& command = named_command(app);
    std::string path;
    for (const CLI::App* at = &command; at != nullptr && at != &app; at = at->get_parent())
      path = at->get_name() + " " + path;
    shell.err() << "chatrelay: " << printable(usage_problem(app, command, error.what()), 2000) << "\n"
                << "See chatrelay " << path << "--help\n";
    return exit_code::usage;
  }
}

int act(Shell& shell) {
  try {
    return shell.action ? shell.action() : exit_code::usage;
  } catch (const Failure& failure) {
    shell.err() << "chatrelay: " << failure.what() << "\n";
    return failure.code;
  } catch (const std::exception& error) {
    shell.err() << "chatrelay: internal error: " << printable(error.what(), 2000) << "\n";
    return exit_code::internal;
  }
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Hooks& hooks, Terminal& terminal) {
  Shell shell(terminal, hooks);
  CLI::App app;
  app.name("chatrelay");
  add_everything(app, shell);
  const int parsed = parse(app, shell, with_help_last(arguments));
  if (parsed != exit_code::ok) return parsed < 0 ? exit_code::ok : parsed;
  const int code = act(shell);
  terminal.out.flush();
  if (!terminal.out && code == exit_code::ok) return exit_code::io;  // a full disk behind `> file` is not success
  return code;
}

int run(int argc, char** argv, const Hooks& hooks) {
  const SystemClock clock;
  Terminal terminal{std::cin,
                    std::cout,
                    std::cerr,
                    ::isatty(STDIN_FILENO) == 1,
                    ::isatty(STDOUT_FILENO) == 1,
                    columns_of(STDOUT_FILENO),
                    [](const std::string& name) -> std::optional<std::string> {
                      const char* value = std::getenv(name.c_str());
                      return value ? std::optional<std::string>(value) : std::nullopt;
                    },
                    clock};
  return run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc), hooks, terminal);
}

}  // namespace chatrelay::admin::cli
