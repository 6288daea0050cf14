// chatrelay connectors test
#include "admin/cli/listing.hpp"
#include "admin/cli/tests_report.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  bool as_json = false;
};

}  // namespace

void add_connectors(CLI::App& app, Shell& shell) {
  CLI::App* connectors = add_verb(app, "connectors", "try the connectors", "");
  connectors->require_subcommand(1);
  CLI::App* verb = add_verb(*connectors, "test", "run the tests inside the connectors",
                            "  chatrelay connectors test\n"
                            "  chatrelay connectors test my_connectors/crm.yaml");
  auto options = std::make_shared<Options>();
  verb->add_option("FILE", options->files, "only these connectors");
  verb->add_flag("--json", options->as_json, "print the results as JSON");
  verb->callback([&shell, options] {
    shell.action = [&shell, options] {
      return print_report(shell, shell.hooks.test_connectors(shell.config_file(), options->files), options->as_json);
    };
  });
}

}  // namespace chatrelay::admin::cli
