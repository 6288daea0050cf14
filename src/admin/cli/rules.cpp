// chatrelay rules test
#include "admin/cli/listing.hpp"
#include "admin/cli/tests_report.hpp"

namespace chatrelay::admin::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  bool as_json = false;
};

}  // namespace

void add_rules(CLI::App& app, Shell& shell) {
  CLI::App* rules = add_verb(app, "rules", "try the rules", "");
  rules->require_subcommand(1);
  CLI::App* verb = add_verb(*rules, "test", "run the tests that lie beside the rules (*_test.yaml)",
                            "  chatrelay rules test\n"
                            "  chatrelay rules test rules/crm_test.yaml");
  auto options = std::make_shared<Options>();
  verb->add_option("FILE", options->files, "only these test files");
  verb->add_flag("--json", options->as_json, "print the results as JSON");
  verb->callback([&shell, options] {
    shell.action = [&shell, options] {
      return print_report(shell, shell.hooks.test_rules(shell.config_file(), options->files), options->as_json);
    };
  });
}

}  // namespace chatrelay::admin::cli
