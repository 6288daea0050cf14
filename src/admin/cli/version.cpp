// chatrelay version
#include <ostream>

#include "admin/cli/listing.hpp"

namespace chatrelay::admin::cli {

void add_version(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "version", "print the version", "  chatrelay version --json");
  auto as_json = std::make_shared<bool>(false);
  verb->add_flag("--json", *as_json, "as JSON");
  verb->callback([&shell, as_json] {
    shell.action = [&shell, as_json] {
      if (*as_json) return print_json(shell, json::object{{"version", CHATRELAY_VERSION}});
      shell.out() << "chatrelay " << CHATRELAY_VERSION << "\n";
      return exit_code::ok;
    };
  });
}

}  // namespace chatrelay::admin::cli
