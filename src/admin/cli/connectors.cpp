// chatrelay connectors test
#include <filesystem>

#include "admin/cli/listing.hpp"
#include "admin/cli/tests_report.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  bool as_json = false;
};

// The shipped connectors are built in: trying them needs no configuration at all.
std::string config_if_any(const Shell& shell) {
  const std::string file = shell.config_file();
  const bool named = !shell.config_option.empty() || shell.terminal.variable("CHATRELAY_CONFIG");
  return named || std::filesystem::exists(file) ? file : std::string{};
}

}  // namespace

void add_connectors(CLI::App& app, Shell& shell) {
  CLI::App* connectors = add_verb(app, "connectors", "try the connectors", "");
  connectors->require_subcommand(1);
  CLI::App* verb = add_verb(*connectors, "test", "run the tests inside the connectors",
                            "  chatrelay connectors test\n"
                            "  chatrelay connectors test webhook");
  auto options = std::make_shared<Options>();
  verb->add_option("NAME", options->names, "only these connectors");
  verb->add_flag("--json", options->as_json, "print the results as JSON");
  verb->callback([&shell, options] {
    shell.action = [&shell, options] {
      const TestReport report = shell.hooks.test_connectors(config_if_any(shell), options->names);
      if (!options->names.empty() && report.tests.empty() && !report.problems.has_errors())
        throw Failure(exit_code::data, "there is no connector of that name with tests");
      return print_report(shell, report, options->as_json);
    };
  });
}

}  // namespace chatrelay::admin::cli
