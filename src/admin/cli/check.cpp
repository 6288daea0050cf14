// chatrelay check
#include <ostream>

#include "admin/cli/listing.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  bool online = false;
  bool as_json = false;
};

std::string count(std::size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

json::object as_json(const CheckResult& result) {
  json::array problems;
  for (const config::Problem& problem : result.problems.list())
    problems.push_back(json::object{{"file", problem.where.file},
                                    {"line", problem.where.line},
                                    {"message", problem.message},
                                    {"warning", problem.warning}});
  return {{"ok", !result.problems.has_errors()},
          {"problems", std::move(problems)},
          {"sources", result.sources},
          {"destinations", result.destinations},
          {"rules", result.rules}};
}

int check(Shell& shell, const Options& options) {
  const CheckResult result = shell.hooks.check(shell.config_file(), options.online);
  const int code = result.problems.has_errors() ? exit_code::config : exit_code::ok;
  if (options.as_json) {
    print_json(shell, as_json(result));
    return code;
  }
  std::string text = clean_lines(result.problems.to_string());
  if (!text.empty() && text.back() != '\n') text += '\n';
  shell.out() << text;
  if (code == exit_code::ok)
    shell.out() << "ok: " << count(result.sources, "source") << ", " << count(result.destinations, "destination")
                << ", " << count(result.rules, "rule") << "\n";
  return code;
}

}  // namespace

void add_check(CLI::App& app, Shell& shell) {
  CLI::App* verb =
      add_verb(app, "check", "load everything, print every problem as file:line: message; exit 78 on any",
               "  chatrelay check\n"
               "  chatrelay check --online --config /etc/chatrelay/chatrelay.yaml   also reaches every destination");
  auto options = std::make_shared<Options>();
  verb->add_flag("--online", options->online, "also prove address, TLS and login of every destination");
  verb->add_flag("--json", options->as_json, "print the problems as JSON");
  verb->callback([&shell, options] { shell.action = [&shell, options] { return check(shell, *options); }; });
}

}  // namespace chatrelay::admin::cli
