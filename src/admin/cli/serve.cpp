// chatrelay serve
#include "admin/cli/listing.hpp"

namespace chatrelay::admin::cli {

void add_serve(CLI::App& app, Shell& shell) {
  CLI::App* verb = add_verb(app, "serve", "run the daemon (SIGHUP reloads, SIGTERM drains)",
                            "  chatrelay serve --config ./chatrelay.yaml");
  verb->callback([&shell] { shell.action = [&shell] { return shell.hooks.serve(shell.config_file()); }; });
}

}  // namespace chatrelay::admin::cli
