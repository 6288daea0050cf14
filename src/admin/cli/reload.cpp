// chatrelay reload
#include <ostream>

#include "admin/cli/listing.hpp"

namespace chatrelay::admin::cli {

void add_reload(CLI::App& app, Shell& shell) {
  CLI::App* verb =
      add_verb(app, "reload", "have the daemon load its configuration anew, whole or not at all (as SIGHUP does)",
               "  chatrelay reload");
  verb->callback([&shell] {
    shell.action = [&shell] {
      const auto answer = AdminClient(shell).post("/api/reload", {}, Millis{150'000});
      for (const json::value& problem : rows_of(answer, "problems")) shell.out() << problem_line(problem) << "\n";
      shell.out() << "reloaded\n";
      return exit_code::ok;
    };
  });
}

}  // namespace chatrelay::admin::cli
